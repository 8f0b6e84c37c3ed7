from flask import Blueprint

bp = Blueprint("integration", __name__)
