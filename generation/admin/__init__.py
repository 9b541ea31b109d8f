from generation.admin.model_gate import ModelGateAdmin
from generation.admin.people import PeopleAdmin
from generation.admin.short import ShortAdmin

__all__ = ["ModelGateAdmin", "PeopleAdmin", "ShortAdmin"]
