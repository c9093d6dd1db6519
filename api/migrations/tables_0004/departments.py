"""Departments, who is in them, what is routed to them; the office's own days."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "departments",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departments")),
        sa.UniqueConstraint("name", name=op.f("uq_departments_name")),
    )
    op.create_table(
        "office_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_office_days")),
    )
    op.create_table(
        "department_members",
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("is_supervisor", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("most_open", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_department_members_department_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff_accounts.id"], name=op.f("fk_department_members_staff_id")),
        sa.PrimaryKeyConstraint("department_id", "staff_id", name=op.f("pk_department_members")),
    )
    op.create_index(op.f("ix_department_members_staff_id"), "department_members", ["staff_id"], unique=False)
    op.create_table(
        "routing_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "handover",
                "transition_fee",
                "payment",
                "registration",
                "quality",
                "allocation",
                "other",
                name="casecategory",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("project_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "household",
            sa.Enum(
                "relocation", "purchase", name="agreementkind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.SmallInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["departments.id"], name=op.f("fk_routing_rules_department_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_routing_rules_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routing_rules")),
    )


def drop() -> None:
    op.drop_table("routing_rules")
    op.drop_index(op.f("ix_department_members_staff_id"), table_name="department_members")
    op.drop_table("department_members")
    op.drop_table("office_days")
    op.drop_table("departments")
