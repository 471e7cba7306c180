"use strict";
// Comfort only: previews, drag and drop, and one click that sends once. The page works without it.
(() => {
  const form = document.querySelector("form[data-upload]");
  if (!form) return;
  const zone = form.querySelector(".drop");
  const chooser = form.querySelector("input[multiple]");
  const previews = form.querySelector(".previews");
  const told = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  const inputs = [...form.querySelectorAll("input[type=file]")];

  form.classList.add("scripted");

  const show = () => {
    const files = inputs.flatMap((input) => [...input.files]);
    previews.replaceChildren(...files.map((file) => {
      const image = document.createElement("img");
      image.src = URL.createObjectURL(file);
      image.alt = "";
      image.onload = () => URL.revokeObjectURL(image.src);
      image.onerror = () => image.remove();
      return image;
    }));
    told.textContent = files.length === 0 ? "" : files.length === 1
      ? "One photo is ready." : `${files.length} photos of one mushroom are ready.`;
  };

  inputs.forEach((input) => input.addEventListener("change", show));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.remove("over"); });
  }
  zone.addEventListener("drop", (event) => {
    if (event.dataTransfer.files.length === 0) return;
    chooser.files = event.dataTransfer.files;
    show();
  });
  form.addEventListener("submit", () => {
    button.disabled = true;
    button.textContent = "Looking at it …";
  });
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    button.textContent = button.dataset.label;
  });
})();
