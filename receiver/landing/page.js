"use strict";
for (const button of document.querySelectorAll(".url button")) {
  const code = button.previousElementSibling;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(code.textContent);
    } catch {
      // No clipboard on plain http or in a frame: leave it selected.
      getSelection().selectAllChildren(code);
      done = "Selected";
    }
    button.textContent = done;
    document.getElementById("said").textContent = done;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
