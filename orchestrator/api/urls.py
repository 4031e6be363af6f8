"""The exact routes, without trailing slashes. Operations' routes come from the registry."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from shop_assistant.agents import registry

from .auth import LogoutView, RefreshView, TokenView
from .operating import DescriptionView, DocsView, LiveView, MetricsView, ReadyView
from .proofs import CheckpointsView, ConsistencyView, ProofView
from .views import AIQueryView, AuditView, TaskView, viewset_for

router = SimpleRouter(trailing_slash=False)
for agent in registry.agents.values():
    for prefix in sorted({o.route.split("/")[0] for o in agent.operations.values() if o.route}):
        router.register(prefix, viewset_for(agent), basename=prefix)

urlpatterns = [
    path("api/ai/query", AIQueryView.as_view(), name="ai-query"),
    path("api/ai/task/<str:task_id>", TaskView.as_view(), name="ai-task"),
    path("api/ai/audit", AuditView.as_view(), name="ai-audit"),
    path("api/audit/records/<int:seq>/proof", ProofView.as_view(), name="audit-proof"),
    path("api/audit/checkpoints", CheckpointsView.as_view(), name="audit-checkpoints"),
    path("api/audit/consistency", ConsistencyView.as_view(), name="audit-consistency"),
    path("api/auth/token", TokenView.as_view(), name="token"),
    path("api/auth/refresh", RefreshView.as_view(), name="refresh"),
    path("api/auth/logout", LogoutView.as_view(), name="logout"),
    path("api/", include(router.urls)),
    path("openapi.json", DescriptionView.as_view(), name="openapi"),
    path("docs", DocsView.as_view(), name="docs"),
    path("health/live", LiveView.as_view(), name="live"),
    path("health/ready", ReadyView.as_view(), name="ready"),
    path("metrics", MetricsView.as_view(), name="metrics"),
]
