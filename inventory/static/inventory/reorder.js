// One box ticks and unticks every line of the page, and shows whether all are ticked.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const all = document.getElementById("tick-all");
    if (!all) {
        return;
    }
    const boxes = Array.from(document.querySelectorAll("#reorder-form input[name=sku]"));

    function tell() {
        const ticked = boxes.filter((box) => box.checked).length;
        all.checked = ticked === boxes.length;
        all.indeterminate = ticked > 0 && ticked < boxes.length;
    }

    all.addEventListener("change", () => {
        for (const box of boxes) {
            box.checked = all.checked;
        }
    });
    for (const box of boxes) {
        box.addEventListener("change", tell);
    }
    tell();
});
