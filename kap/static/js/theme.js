// The theme button: device, light, dark, and round again. The choice stays on this device.
const WORDS = { auto: "Theme: as this device", light: "Theme: light", dark: "Theme: dark" };
const NEXT = { auto: "light", light: "dark", dark: "auto" };

export function install(button) {
  const root = document.documentElement;
  if (!(root.dataset.theme in NEXT)) return;
  const show = () => { button.querySelector("[data-theme-words]").textContent = WORDS[root.dataset.theme]; };
  button.addEventListener("click", () => {
    root.dataset.theme = NEXT[root.dataset.theme];
    keep(root.dataset.theme);
    show();
  });
  show();
  button.hidden = false;
}

function keep(theme) {
  try {
    if (theme === "auto") localStorage.removeItem("kap-theme");
    else localStorage.setItem("kap-theme", theme);
  } catch {
    // Storage is closed to us: the choice lasts as long as this page.
  }
}
