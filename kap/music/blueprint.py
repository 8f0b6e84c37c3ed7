from flask import Blueprint

bp = Blueprint("music", __name__)
