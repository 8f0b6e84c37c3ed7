from flask_wtf.file import FileField, FileRequired

from kap.web.forms import Form


class BringForm(Form):
    file = FileField("The file of your journal", validators=[FileRequired("Please choose the file first.")])
