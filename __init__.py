from . import models
from . import entities
from . import wizards
from . import controllers
from .hooks import uninstall_hook
