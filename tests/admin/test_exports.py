"""Taking data out, in a browser."""

import pytest
from django.urls import reverse


@pytest.mark.django_db(transaction=True)
def test_in_a_browser(visitor):
    """Chosen, downloaded, and nothing asked of other hosts."""
    staff = visitor("owner")
    assert staff.visit(reverse("exports")) == 200
    staff.page.click("text=Inventory >> nth=-1")
    staff.page.wait_for_url("**/admin/exports/inventory/")
    staff.page.fill("input[name=sku]", "SKU001")
    with staff.page.expect_download() as downloaded:
        staff.page.click("button:has-text('Download')")
    content = downloaded.value.path().read_bytes()
    assert content.startswith(b"\xef\xbb\xbfsku,name,")
    assert content.count(b"\r\n") == 2
    assert staff.complaints == []
