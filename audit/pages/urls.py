"""Addresses below /admin/."""

from django.contrib import admin
from django.urls import path

from .compliance import compliance_page
from .trail import proof_page, trail_page

urlpatterns = [
    path("compliance/", admin.site.admin_view(compliance_page), name="compliance"),
    path("trail/", admin.site.admin_view(trail_page), name="trail"),
    path("trail/records/<int:seq>/", admin.site.admin_view(proof_page), name="trail-proof"),
]
