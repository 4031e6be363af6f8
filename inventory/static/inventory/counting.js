// Counting with a keyboard or a scanner: Enter goes on to the next field, a scanned code to its line.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
    const form = document.getElementById("count-form");
    if (!form) {
        return;
    }
    const lines = Array.from(form.querySelectorAll(".count-line[data-codes]"));
    const search = document.getElementById("count-search");
    const told = document.getElementById("count-told");
    const save = document.getElementById("count-save");
    const field = (line) => line.querySelector(".figure");
    let dirty = false;

    function filled() {
        return lines.filter((line) => field(line).value.trim() !== line.querySelector("[data-old]").value.trim() && field(line).value.trim()).length;
    }

    function tell() {
        const count = filled();
        save.textContent = count ? `Save ${count} ${count === 1 ? "figure" : "figures"}` : "Save";
        dirty = count > 0;
    }

    function show(text) {
        const wanted = text.trim().toLowerCase();
        let shown = 0;
        for (const line of lines) {
            line.hidden = wanted !== "" && !line.dataset.search.includes(wanted);
            shown += line.hidden ? 0 : 1;
        }
        told.textContent = wanted === "" ? "" : shown === 0 ? "No line on this page: look under Counted, or add it below." : `${shown} shown`;
    }

    function next(from) {
        const open = lines.filter((line) => !line.hidden);
        const after = open[open.indexOf(from) + 1];
        (after ? field(after) : save).focus();
        if (after && field(after).select) {
            field(after).select();
        }
    }

    form.addEventListener("input", tell);
    form.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.target.tagName !== "INPUT") {
            return;
        }
        const line = event.target.closest(".count-line[data-codes]");
        if (event.target === search) {
            event.preventDefault();
            const code = search.value.trim().toLowerCase();
            const found = lines.find((each) => each.dataset.codes.split(" ").includes(code)) || lines.find((each) => !each.hidden);
            if (code && found && !found.hidden) {
                search.value = "";
                show("");
                field(found).focus();
                found.scrollIntoView({ block: "center" });
            }
        } else if (line) {
            event.preventDefault();
            next(line);
        }
    });
    search.addEventListener("input", () => show(search.value));
    form.addEventListener("submit", () => {
        dirty = false;
    });
    window.addEventListener("beforeunload", (event) => {
        if (dirty) {
            event.preventDefault();
        }
    });
    tell();
    const first = form.querySelector(".count-wrong") || (lines.length ? field(lines[0]) : search);
    first.focus({ preventScroll: !first.classList.contains("count-wrong") });
});
