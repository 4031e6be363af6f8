"""Who sees people's data in the admin, and the trace that looking leaves."""

from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from audit import events
from audit.services import event_record


class Discreet:
    """Who may not ask for a customer's profile sees no person's data here either; who sees some leaves a trace."""

    model: type[Model]
    personal: tuple[str, ...]
    """Fields that are left out."""

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.discreet(request, super().get_fieldsets(request, obj))  # type: ignore[misc]

    def discreet(self, request: HttpRequest, fieldsets: Any) -> Any:
        if may_see_people(request):
            return fieldsets
        return [
            (
                title,
                {**options, "fields": [f for f in options["fields"] if getattr(f, "__name__", f) not in self.personal]},
            )
            for title, options in fieldsets
        ]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_see_people(request) and bool(super().has_change_permission(request, obj))  # type: ignore[misc]

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        answer = super().changeform_view(request, object_id, *args, **kwargs)  # type: ignore[misc]
        if object_id:
            self._told(request, answer, object_id)
        return answer

    def history_form_view(self, request: HttpRequest, object_id: str, version_id: str, *args: Any, **how: Any) -> Any:
        """What somebody was called earlier is personal, too."""
        answer = super().history_form_view(request, object_id, version_id, *args, **how)  # type: ignore[misc]
        self._told(request, answer, object_id)
        return answer

    def _told(self, request: HttpRequest, answer: Any, object_id: str) -> None:
        """A form that was refused is shown again, with all that is beside it: that is a look, too."""
        if answer.status_code == 200 and may_see_people(request):
            event_record(
                events.PERSONAL_VIEWED,
                user_id=getattr(request.user, "public_id", ""),
                model=self.model._meta.label,
                key=object_id,
            )


def may_see_people(request: HttpRequest) -> bool:
    return bool(request.user.has_perm("agents.customers.query_customer"))
