// <button data-print hidden>: print this page.
export function install(button) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
