// A suggestion beside a field: <button data-fill="name" data-value="…"> puts it in, and nothing is saved by that.
export function install(button) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const field = button.form.elements[button.dataset.fill];
    field.value = button.dataset.value;
    field.focus();
  });
}
