from . import models
from . import entities
from . import controllers
