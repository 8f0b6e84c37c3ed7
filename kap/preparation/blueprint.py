from flask import Blueprint

bp = Blueprint("preparation", __name__)
