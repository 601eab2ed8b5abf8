"""Salesforce's own SLA clocks: the milestones that an entitlement process set on a case."""

from connectors.base import NativeSla, metric_named
from connectors.mapping import Record, moment

MILESTONES = (
    "SELECT Id, MilestoneType.Name, StartDate, TargetDate, CompletionDate, IsCompleted, IsViolated, Case.IsStopped FROM CaseMilestone"
)


def native_sla(row: Record) -> NativeSla:
    """A stopped case holds all its milestones up. One that is completed late stays violated."""
    name = str(row["MilestoneType"]["Name"])
    over, stopped = row["IsCompleted"] is True, (row.get("Case") or {}).get("IsStopped") is True
    return NativeSla(
        name=name,
        metric=metric_named(name),
        state="ended" if over else "paused" if stopped else "running",
        breached=row["IsViolated"] is True,
        started_at=moment(row["StartDate"]) if row["StartDate"] else None,
        due_at=moment(row["TargetDate"]) if row["TargetDate"] else None,
        stopped_at=moment(row["CompletionDate"]) if row["CompletionDate"] else None,
    )
