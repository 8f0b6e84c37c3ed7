// A form beside what its words make: <div data-preview="<url>"> around a form and a [data-previewed]. The server makes
// the picture, so that it is the very one a reader gets. Without this script the form's own button asks for it.
import { post } from "./server.js";

const PAUSE_MS = 600;
const TIMEOUT_MS = 20_000;

export function install(place) {
  const form = place.querySelector("form");
  const shown = place.querySelector("[data-previewed]");
  let timer;
  let latest = 0;

  async function show() {
    latest += 1;
    const asked = latest;
    const body = new URLSearchParams([...new FormData(form)].filter(([name]) => name !== "csrf_token"));
    let answer;
    try {
      const response = await post(place.dataset.preview, body, { timeout: TIMEOUT_MS });
      if (!response.ok) return; // what is wrong with the form is said where it is kept
      answer = await response.json();
    } catch {
      return; // without a connection the last picture stays
    }
    if (asked === latest) shown.innerHTML = answer.html;
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(show, PAUSE_MS);
  }

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.querySelector("[data-shows-preview]")?.addEventListener("click", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    show();
    document.getElementById("preview").scrollIntoView({ block: "start" });
  });
}
