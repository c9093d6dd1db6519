"""Agreements, who is party to them, their homes, their registrations."""

import sqlalchemy as sa
from alembic import op


def create_agreements() -> None:
    op.create_table(
        "agreements",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "relocation", "purchase", name="agreementkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("number_key", sa.Text(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("original_address", sa.LargeBinary(), nullable=True),
        sa.Column("household_size", sa.BigInteger(), nullable=True),
        sa.Column("resettlement_area_m2", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.Column("handed_over", sa.Boolean(), nullable=False),
        sa.Column("handed_over_on", sa.Date(), nullable=True),
        sa.Column("handover_status", sa.Text(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_agreements_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
        sa.UniqueConstraint("project_id", "number_key", name=op.f("uq_agreements_project_id_number_key")),
    )
    op.create_index(op.f("ix_agreements_number_key"), "agreements", ["number_key"], unique=False)


def create_parties() -> None:
    op.create_table(
        "parties",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "holder",
                "co_owner",
                "proxy",
                "heir",
                name="partyrole",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("phone_indexes", sa.LargeBinary(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_parties_agreement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_parties_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parties")),
        sa.UniqueConstraint("agreement_id", "person_id", name=op.f("uq_parties_agreement_id_person_id")),
    )
    op.create_index(op.f("ix_parties_person_id"), "parties", ["person_id"], unique=False)


def create_registrations() -> None:
    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "contract_filing",
                "title_certificate",
                name="registrationkind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "stage",
            sa.Enum(
                "not_started",
                "in_progress",
                "blocked",
                "completed",
                name="registrationstage",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("happened_on", sa.Date(), nullable=True),
        sa.Column("filing_number", sa.Text(), nullable=True),
        sa.Column("blocked_by", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_registrations_agreement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("agreement_id", "kind", name=op.f("uq_registrations_agreement_id_kind")),
    )


def create_agreement_units() -> None:
    op.create_table(
        "agreement_units",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("unit_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_agreement_units_agreement_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_agreement_units_unit_id")),
        sa.PrimaryKeyConstraint("agreement_id", "unit_id", name=op.f("pk_agreement_units")),
    )
    op.create_index(op.f("ix_agreement_units_unit_id"), "agreement_units", ["unit_id"], unique=False)
