"""What the commands call states, categories and households: the office's own terms; residents read plainer ones."""

from api.agreements.schemas import AgreementKind
from api.cases.office_words import CATEGORIES, STATES

__all__ = ["CATEGORIES", "HOUSEHOLDS", "STATES"]

HOUSEHOLDS = {AgreementKind.RELOCATION: "拆迁户", AgreementKind.PURCHASE: "购房户"}
