"""What is built: projects down to units, how far it is, when it is forecast to be ready."""

import sqlalchemy as sa
from alembic import op


def create_projects() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
    )


def create_parcels() -> None:
    op.create_table(
        "parcels",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_parcels_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcels")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_parcels_project_id_name")),
    )


def create_phases() -> None:
    op.create_table(
        "phases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("parcel_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcels.id"], name=op.f("fk_phases_parcel_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phases")),
        sa.UniqueConstraint("parcel_id", "name", name=op.f("uq_phases_parcel_id_name")),
    )


def create_buildings() -> None:
    op.create_table(
        "buildings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phase_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["phase_id"], ["phases.id"], name=op.f("fk_buildings_phase_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buildings")),
        sa.UniqueConstraint("phase_id", "name", name=op.f("uq_buildings_phase_id_name")),
    )


def create_forecasts() -> None:
    op.create_table(
        "forecasts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("agreement_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "basis",
            sa.Enum(
                "contractual",
                "planned",
                "promised",
                name="forecastbasis",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("earliest_on", sa.Date(), nullable=True),
        sa.Column("latest_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("published_on", sa.Date(), nullable=False),
        sa.Column("confirmed_on", sa.Date(), nullable=False),
        sa.Column("next_update_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("latest_on >= earliest_on", name=op.f("ck_forecasts_window")),
        sa.CheckConstraint("num_nonnulls(building_id, agreement_id) = 1", name=op.f("ck_forecasts_one_subject")),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreements.id"], name=op.f("fk_forecasts_agreement_id")),
        sa.ForeignKeyConstraint(["building_id"], ["buildings.id"], name=op.f("fk_forecasts_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forecasts")),
    )
    op.create_index(op.f("ix_forecasts_agreement_id"), "forecasts", ["agreement_id"], unique=False)
    op.create_index(op.f("ix_forecasts_building_id"), "forecasts", ["building_id"], unique=False)
    op.execute(
        """
        CREATE FUNCTION forecasts_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'confirmed_on' - 'next_update_on'
                = to_jsonb(OLD) - 'confirmed_on' - 'next_update_on' THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'forecasts are append-only: a slipped date stays visible'
                USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON forecasts "
        "FOR EACH ROW EXECUTE FUNCTION forecasts_are_append_only()"
    )


def create_milestones() -> None:
    op.create_table(
        "milestones",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "started",
                "suspended",
                "resumed",
                "topped_out",
                "exterior",
                "fitted",
                "utilities",
                "landscape",
                "completion_filed",
                "handover_ready",
                name="milestonekind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("achieved_on", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["building_id"], ["buildings.id"], name=op.f("fk_milestones_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestones")),
        sa.UniqueConstraint("building_id", "kind", name=op.f("uq_milestones_building_id_kind")),
    )


def create_units() -> None:
    op.create_table(
        "units",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("entrance", sa.Text(), nullable=True),
        sa.Column("room", sa.Text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("flat", "shop", "parking", name="unitkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("layout", sa.Text(), nullable=True),
        sa.Column("area_m2", sa.Numeric(precision=10, scale=2), nullable=True),
        sa.ForeignKeyConstraint(["building_id"], ["buildings.id"], name=op.f("fk_units_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_units")),
        sa.UniqueConstraint(
            "building_id",
            "entrance",
            "room",
            name=op.f("uq_units_building_id_entrance_room"),
            postgresql_nulls_not_distinct=True,
        ),
    )
