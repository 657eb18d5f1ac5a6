"""The review loop: projects of Label Studio, the outbox of tasks, reviews with their regions and problems."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("label_studio_id", sa.Integer(), nullable=False),
        sa.Column("purpose", _one_of("purpose", "review", "blind"), nullable=False),
        sa.Column("interface", sa.Text(), nullable=False),
        sa.Column("cursor", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("url", "label_studio_id", name=op.f("uq_projects_url_label_studio_id")),
    )
    op.create_table(
        "pushes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("annotation_id", sa.Integer(), nullable=True),
        sa.Column("state", _one_of("state", "planned", "confirmed", "gone"), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        _foreign_key("pushes", "project_id", "projects"),
        _foreign_key("pushes", "article_id", "articles"),
        _foreign_key("pushes", "annotation_id", "annotations", ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pushes")),
        sa.UniqueConstraint("project_id", "article_id", name=op.f("uq_pushes_project_id_article_id")),
    )
    op.create_index(op.f("ix_pushes_article_id"), "pushes", ["article_id"])
    op.create_index(op.f("ix_pushes_annotation_id"), "pushes", ["annotation_id"])
    op.create_index(op.f("ix_pushes_project_id_state"), "pushes", ["project_id", "state"])
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("push_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("label_studio_id", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
            _one_of("verdict", "accepted", "corrected", "no quotations", "rejected", "unclear", "skipped", "deleted"),
            nullable=False,
        ),
        sa.Column("annotation_id", sa.Integer(), nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("lead_time", sa.Double(), nullable=True),
        sa.Column("interface_sha256", sa.String(length=64), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(verdict IN ('accepted', 'corrected', 'no quotations')) = (annotation_id IS NOT NULL)",
            name=op.f("ck_reviews_readings_have_annotations"),
        ),
        _foreign_key("reviews", "push_id", "pushes"),
        _foreign_key("reviews", "annotation_id", "annotations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("annotation_id", name=op.f("uq_reviews_annotation_id")),
        sa.UniqueConstraint(
            "push_id", "label_studio_id", "revision", name=op.f("uq_reviews_push_id_label_studio_id_revision")
        ),
    )
    op.create_table(
        "region_counts",
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("role", _one_of("role", "content", "cue", "source"), nullable=False),
        sa.Column("origin", _one_of("origin", "untouched", "changed", "added", "deleted"), nullable=False),
        sa.Column("regions", sa.Integer(), nullable=False),
        _foreign_key("region_counts", "review_id", "reviews"),
        sa.PrimaryKeyConstraint("review_id", "role", "origin", name=op.f("pk_region_counts")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "problems",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("review_id", sa.Integer(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("fault", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("quarantined", sa.Boolean(), nullable=False),
        _foreign_key("problems", "review_id", "reviews"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
    )
    op.create_index(op.f("ix_problems_review_id"), "problems", ["review_id"])


def downgrade() -> None:
    for table in ("problems", "region_counts", "reviews", "leases", "pushes", "projects"):
        op.drop_table(table)
    # The schema before knows no reviewed annotations. While it changes, nothing cascades.
    reviewed = "SELECT id FROM annotations WHERE kind = 'reviewed'"
    of_reviewed = f"SELECT id FROM quotations WHERE annotation_id IN ({reviewed})"  # noqa: S608 - no input
    op.execute(f"DELETE FROM spans WHERE quotation_id IN ({of_reviewed})")  # noqa: S608
    for table in ("quotations", "speakers", "review_tasks"):
        op.execute(f"DELETE FROM {table} WHERE annotation_id IN ({reviewed})")  # noqa: S608
    op.execute("DELETE FROM annotations WHERE kind = 'reviewed'")


def _foreign_key(table: str, column: str, referred: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{referred}")
    return sa.ForeignKeyConstraint([column], [f"{referred}.id"], name=name, ondelete=ondelete)


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=16)
