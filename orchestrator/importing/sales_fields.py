"""What a table of sales may hold, and what other programs call it. Pure."""

from collections.abc import Mapping, Sequence

FIELDS: dict[str, tuple[str, ...]] = {
    name: tuple(filter(None, map(str.strip, headings.split("|"))))
    for name, headings in {
        "invoice": (
            "Invoice No | Invoice Number | Invoice ID | Order ID | Order Number | Order No | Order | "
            "Order Name | Order Reference | Receipt No | Receipt Number | Receipt ID | Receipt | "
            "Transaction ID | Transaction No | Transaction Number | Transaction | Ticket No | Ticket | "
            "Bill No | Bill Number | Bill | Document No | Document | Sale ID | Sale No | Reference | "
            "Rechnungsnummer | Rechnung | Belegnummer | Beleg | Bon | Bestellnummer | Facture | Fattura | "
            "Factura | Basket ID"
        ),
        "original": "Original Order | Original Invoice | Original Receipt | Returned Order | Order",
        "sku": (
            "Stock Code | Lineitem sku | Item SKU | Product SKU | Variant SKU | Product Code | Item Code | "
            "Item No | Item Number | Article No | Article Number | Article Code | Part Number | Part | "
            "Product ID | Item ID | Artikelnummer | Artikelnr | Artikel-Nr | Codice | Référence | PLU | "
            "Barcode | EAN | UPC | GTIN | Code"
        ),
        "description": (
            "Item | Item Name | Item Description | Lineitem name | Product | Product Name | Product Title | "
            "Product Description | Article | Article Name | Name | Title | Bezeichnung | Artikel | "
            "Beschreibung | Descrizione | Désignation | Descripción | Goods"
        ),
        "quantity": (
            "Qty | Lineitem quantity | Item Quantity | Item Qty | Quantity Sold | Quantity Ordered | "
            "Qty Sold | Qty Ordered | Quantity (- Refund) | Units | Units Sold | Pieces | Count | "
            "Quantity kg | Weight | Weight kg | Menge | Anzahl | Stück | Quantità | Qta | Quantité | Qté | Cantidad"
        ),
        "unit_price": (
            "Price | UnitPrice | Lineitem price | Item Price | Price Each | Price Per Unit | Price Unit | "
            "Sale Price | Sales Price | Selling Price | Retail Price | Product Price | Item Cost | Rate | "
            "Einzelpreis | Stückpreis | Preis | Prezzo | Prezzo unitario | Prix | Prix unitaire | Precio"
        ),
        "line_total": (
            "Line Total | Line Amount | Item Total | Order Line Total | Net Sales | Gross Sales | "
            "Total Price | Amount | Total Amount | Total | Sales | Revenue | Gesamtpreis | Gesamt | "
            "Betrag | Summe | Totale | Importo | Montant | Importe"
        ),
        "line_discount": "Lineitem discount | Item Discount",
        "date": (
            "Invoice Date | InvoiceDate | Order Date | Created at | Date Time | Datetime | Date and Time | "
            "Timestamp | Sale Date | Sold at | Sales Date | Transaction Date | Receipt Date | "
            "Purchase Date | Invoice ts | Occurred at | Created | Creation Date | Day | Datum | "
            "Rechnungsdatum | Bestelldatum | Data | Fecha"
        ),
        "time": (
            "Time of day | Order Time | Sale Time | Transaction Time | Receipt Time | Uhrzeit | Ora | Heure | Hora"
        ),
        "customer": (
            "Customer ID | CustomerID | Customer No | Customer Number | Customer Code | Customer | "
            "Client ID | Client | Member ID | Member No | Member | User ID | Customer User ID | "
            "Loyalty Card | Card No | Kundennummer | Kunde | Cliente"
        ),
        "email": "E-mail | Email Address | Customer Email | Billing Email | Email (Billing) | Customer E-mail",
        "customer_name": (
            "Customer Name | Billing Name | Client Name | Buyer Name | Buyer | Full Name | Kundenname | Bill To"
        ),
        "phone": "Phone Number | Customer Phone | Billing Phone | Phone (Billing) | Telephone | Telefon",
        "country": "Billing Country | Shipping Country | Country Code (Billing) | Land | Paese | Pays | País",
        "status": (
            "Financial Status | Order Status | Payment Status | Event Type | Transaction Type | "
            "Sale Status | Kind | Type"
        ),
        "cancelled": "Cancelled at | Canceled at | Cancelled on | Cancellation Date | Refunded at",
        "currency": "Currency Code | Order Currency | Sale Price Currency | Währung | Valuta | Devise",
    }.items()
}
"""By field, its usual headings. The first field that claims a heading has it."""

OWN, SHOPIFY, WOOCOMMERCE, SQUARE = "own", "shopify", "woocommerce", "square"
"""OWN: what `export sales` writes, here or in another shop like this."""

PRESETS: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
    OWN: (
        ("invoice", "kind", "base_price", "order", "task_id"),
        {"invoice": "invoice", "original": "order", "status": "kind", "customer": "customer", "line_total": ""},
    ),
    SHOPIFY: (
        ("Name", "Lineitem name", "Lineitem quantity", "Lineitem price"),
        {
            "invoice": "Name",
            "date": "Created at",
            "sku": "Lineitem sku",
            "description": "Lineitem name",
            "quantity": "Lineitem quantity",
            "unit_price": "Lineitem price",
            "line_discount": "Lineitem discount",
            "line_total": "",
            "status": "Financial Status",
            "customer": "",
        },
    ),
    SQUARE: (
        ("Transaction ID", "Item", "Qty", "Net Sales"),
        {
            "invoice": "Transaction ID",
            "date": "Date",
            "time": "Time",
            "sku": "SKU",
            "description": "Item",
            "quantity": "Qty",
            "line_total": "Net Sales",
            "status": "Event Type",
            "customer": "Customer ID",
        },
    ),
    WOOCOMMERCE: (
        ("Order Status", "Item Name"),
        {"description": "Item Name", "status": "Order Status", "line_total": "Order Line Total"},
    ),
}
"""By program: the headings that tell its export, and which column is which where the usual headings mislead. A column
that the file does not have is left out."""

NEEDED = ("quantity", "date")

UNDONE = frozenset(
    ("refunded", "cancelled", "canceled", "voided", "void", "returned", "chargedback", "storniert", "erstattet")
)
"""Said of an order or line: it was sold, and all of it came back."""
RETURNS = frozenset(("refund", "return", "credit", "creditnote", "creditmemo", "returnline", "rückgabe", "gutschrift"))
"""Said of a line: it is itself a return."""
NO_SALE = frozenset(("failed", "draft", "checkoutdraft", "trash", "expired", "declined", "abandoned", "quote"))
"""Said of an order: it never came to a sale."""
PARTLY = frozenset(("partiallyrefunded", "partiallyreturned"))
"""Some of it came back, and the file does not say what."""
