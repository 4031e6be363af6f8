"""Addresses below /admin/."""

from django.contrib import admin
from django.urls import path

from .health import health_page
from .reorder import reorder_page
from .value import value_page

urlpatterns = [
    path("stock-value/", admin.site.admin_view(value_page), name="stock-value"),
    path("reorder/", admin.site.admin_view(reorder_page), name="reorder"),
    path("stock-health/", admin.site.admin_view(health_page), name="stock-health"),
]
