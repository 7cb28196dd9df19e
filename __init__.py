from . import models
from .entities import registry
from . import wizards
from . import controllers
from .hooks import uninstall_hook
