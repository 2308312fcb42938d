from django.db import models
from django.db.models import Q


class CountOfDay(models.Model):
    """How often one thing happened on one UTC day, on the whole site, and nothing of to
    whom. Exact: what is published of it is docs/figures.md."""

    day = models.DateField()
    what = models.CharField(max_length=20)
    count = models.BigIntegerField()
    pk = models.CompositePrimaryKey("day", "what")

    class Meta:
        db_table = "usage_count"
        constraints = (
            models.CheckConstraint(
                condition=Q(count__gte=0), name="usage_count_not_below_nought"
            ),
        )

    def __str__(self) -> str:
        return f"{self.what} on {self.day}"
