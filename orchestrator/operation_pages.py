"""Admin pages on which staff run any operation they may: the same registry, the same door as the API's."""

from itertools import groupby
from typing import Any

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from audit.admin_columns import laid_out
from shop_assistant.accounts.limits import address_token
from shop_assistant.agents import Context, Operation, registry
from shop_assistant.agents.errors import AgentError

from .operation_forms import form_for, payload_of, place_errors
from .services import dispatch


def operations_page(request: HttpRequest) -> HttpResponse:
    """What this user may run, by agent."""
    allowed = [o for o in registry.operations() if request.user.has_perm(o.permission)]
    agents = [(name, list(within)) for name, within in groupby(allowed, key=lambda o: o.agent)]
    return render(request, "operations/list.html", _page(request, "Operations", agents=agents))


def operation_page(request: HttpRequest, agent: str, name: str) -> HttpResponse:
    """A form for one operation, and what came of it."""
    found = registry.agents.get(agent)
    operation = found.operations.get(name) if found else None
    if operation is None or not request.user.has_perm(operation.permission):
        raise Http404
    form = form_for(operation)(request.POST or None, initial=request.GET.dict())
    result, task_id = None, None
    if request.method == "POST" and form.is_valid():
        result, task_id = _run(request, operation, form)
    title = f"{agent}: {name.replace('_', ' ')}"
    return render(
        request,
        "operations/run.html",
        _page(request, title, operation=operation, form=form, result=result, task_id=task_id),
    )


def _run(request: HttpRequest, operation: Operation, form: Any) -> tuple[str | None, Any]:
    user: Any = request.user
    context = Context(user=user, channel="admin", address=address_token(request))
    try:
        outcome = dispatch(agent=operation.agent, operation=operation.name, payload=payload_of(form), context=context)
    except AgentError as error:
        messages.error(request, error.message)
        place_errors(form, error.details.get("fields", {}))
        rest = {name: value for name, value in error.details.items() if name != "fields"}
        return laid_out(rest) if rest else None, error.task_id
    messages.success(request, "Done." if operation.writes else "Here is the answer.")
    return laid_out(outcome.data), outcome.task_id


def _page(request: HttpRequest, title: str, **more: Any) -> dict[str, Any]:
    return {**admin.site.each_context(request), "title": title, **more}


urlpatterns = [
    path("", admin.site.admin_view(operations_page), name="operations"),
    path("<str:agent>/<str:name>/", admin.site.admin_view(operation_page), name="operation"),
]
