"""What stands in a backup, and in which order.

``README.txt``, ``manifest.json``, ``database/00000001`` and so on (a dump of pg_dump in pieces, for nobody knows its
size before its end), ``attachments/…`` (as they lie in the object store, sealed) and ``end.json``.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

FORMAT = 1
README, MANIFEST, DATABASE, ATTACHMENTS, END = "README.txt", "manifest.json", "database/", "attachments/", "end.json"

HOW_TO_OPEN = b"""A backup of shanglou. `shanglou restore` reads it. By hand, with age (age-encryption.org) and tar:

    age -d -i KEYFILE BACKUP | tar x
    cat database/* | pg_restore --no-owner --dbname=postgresql://...

Names, ID numbers, phones and texts in the database, and the files below attachments/, are sealed once more, with
SHANGLOU_ENCRYPTION_KEYS of that time. Nothing here opens them.
"""


class Manifest(BaseModel):
    """The first thing to read.

    Attributes:
        made_at: the moment that the backup shows.
        revision: of the schema.
        server: PostgreSQL's major version.
        dumped_with: the major version of pg_dump.
        rows: of each table.
        newest_seal, newest_hash: of the audit record.
        key_ids: of the encryption keys in the ring.
        trial: a word that the first of them has sealed.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    format: int
    program: str
    made_at: datetime
    revision: str
    server: int
    dumped_with: int
    rows: dict[str, int]
    newest_seal: int
    newest_hash: str
    key_ids: list[str]
    trial: str


class End(BaseModel):
    """The last thing.

    Attributes:
        erased: files that were deleted while the backup was made.
        lost: files that the object store did not have.
        seal: see ``api.keeping.archive``.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    files: int
    file_bytes: int
    erased: int
    lost: int
    seal: str


TRIAL_PURPOSE, TRIAL_TEXT = "backup.trial", "上楼"
