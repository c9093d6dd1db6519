"""What the buttons about complaints carry. Each names its complaint, so that a message that bears one is known for a
message of that complaint when somebody replies to it."""

from telegram import Message

from api.cases.schemas import CaseAction, CaseEventKind
from bot.callbacks import Callback, DialogCallback, decode
from bot.intake import buttons_of


class OfCase(Callback):
    """A button about one complaint."""

    number: str


class ShowPage(Callback, prefix="casepage"):
    """A page of the list; without a cursor the newest."""

    cursor: str = ""


class ShowCase(OfCase, prefix="case"):
    """One complaint of this chat."""


class OpenCase(OfCase, prefix="case_open"):
    """The same in a message of its own: a notice, above whose button this stands, stays in the chat."""


class ShowText(OfCase, prefix="casetext"):
    """All of what was written in it."""


class ShowHistory(OfCase, prefix="case_hist"):
    """All that happened, the newest first."""

    page: int = 0


class ShowSaid(OfCase, prefix="case_said"):
    """All that was written with one step, by its place in the history."""

    place: int


class ShowNewest(OfCase, prefix="case_read"):
    """All that was written with the newest step of a kind."""

    kind: CaseEventKind


class ShowFiles(OfCase, prefix="case_files"):
    """The office's files."""

    page: int = 0


class GetFile(OfCase, prefix="case_file"):
    attachment_id: int


class ExplainDays(OfCase, prefix="case_days"):
    """How the days are counted."""


class Say(OfCase, prefix="case_say"):
    """Write to the office: add something, answer a question, reopen, ask for a review."""

    action: CaseAction


class AskRating(OfCase, prefix="case_rate"):
    """Begin to rate the answer."""


class AskWithdraw(OfCase, prefix="case_back"):
    """Take the complaint, or the request for a review, back: asks first."""


class SplitOff(OfCase, prefix="case_alone"):
    """Be answered apart from the other families."""


class StopOffering(OfCase, prefix="case_own"):
    """Families of the building are offered it no longer."""


class OfCaseDialog(DialogCallback):
    """A button of a conversation about one complaint."""

    number: str


class Send(OfCaseDialog, prefix="case_send"):
    """``seal`` tells whether the draft is still what the screen showed."""

    seal: str


class Rewrite(OfCaseDialog, prefix="case_anew"):
    """Write the text anew."""


class RemoveFile(OfCaseDialog, prefix="case_rm"):
    attachment_id: int


class Choose(OfCaseDialog, prefix="case_do"):
    """What shall become of words that came as a reply to a complaint that is closed."""

    action: CaseAction


class AsNew(OfCaseDialog, prefix="case_new"):
    """They shall be a complaint of their own."""


class Stars(OfCaseDialog, prefix="case_star"):
    stars: int


class Solved(OfCaseDialog, prefix="case_solv"):
    """``solved``: None, cannot say yet."""

    solved: bool | None


class Finish(OfCaseDialog, prefix="case_fin"):
    """Rate without a word."""


class Withdraw(OfCaseDialog, prefix="case_wd"):
    """Yes, take it back."""


class ThrowAway(OfCaseDialog, prefix="case_drop"):
    """Throw away what was written; asked back before."""


def case_of(message: Message) -> str | None:
    """The number of the one complaint that a message's buttons are about; None: of none, or of several."""
    taps = [decode(button.callback_data) for button in buttons_of(message) if isinstance(button.callback_data, str)]
    numbers = {tap.number for tap in taps if isinstance(tap, OfCase | OfCaseDialog)}
    return numbers.pop() if len(numbers) == 1 else None
