// Keeping a safety plan on this device: <section data-plan-keep="<address of its words>"> on its page, and
// <div data-plan-refresh="<the same>"> around the form it is written in. Without this script the plan is read from the server.
import { forgetPlan, keepOnlyFor, keepPlan, keptPlan } from "./plan-kept.js";
import { meta } from "./server.js";

const WORDS = {
  kept: "It is on this device and opens without network.",
  gone: "It is not on this device.",
  failed: "That did not work, and nothing is kept here. Try again with a connection.",
};

async function sheetAt(address) {
  const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "manual", cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).html;
}

const put = (html, stays) => keepPlan({ user: meta("kap-user"), html, at: Date.now(), stays });

/** Renew the copy of this person, where there is one. */
export async function renew(address) {
  await keepOnlyFor(meta("kap-user"));
  if (!(await keptPlan())) return;
  const html = await sheetAt(address).catch(() => null);
  const plan = await keptPlan(); // gone meanwhile, when somebody signed out
  if (plan && html !== null) await put(html, plan.stays);
}

export function install(root) {
  if ("planRefresh" in root.dataset) return watch(root, root.dataset.planRefresh);
  return new Keeping(root, root.dataset.planKeep).start();
}

/** The form inside says in its state when it has saved itself. */
function watch(root, address) {
  const state = root.querySelector("[data-saved-state]");
  new MutationObserver(() => { if (state.dataset.state === "saved") renew(address); })
    .observe(state, { attributes: true, attributeFilter: ["data-state"] });
}

class Keeping {
  constructor(root, address) {
    const find = (name) => root.querySelector(`[data-plan-${name}]`);
    Object.assign(this, { root, address, says: find("says"), putButton: find("put"), removeButton: find("remove"), stays: find("stays") });
  }

  async start() {
    if (!("serviceWorker" in navigator) || !crypto.subtle) return; // without either nothing would open without network
    const keep = async () => put(await sheetAt(this.address), this.stays.checked);
    this.putButton.addEventListener("click", () => this.change(keep));
    this.removeButton.addEventListener("click", () => this.change(forgetPlan));
    this.stays.addEventListener("change", async () => { if (await keptPlan()) this.change(keep); });
    await renew(this.address);
    await this.show();
    this.root.hidden = false;
  }

  async change(work) {
    try {
      await work();
      await this.show();
    } catch {
      this.says.textContent = WORDS.failed;
    }
  }

  async show() {
    const plan = await keptPlan();
    this.says.textContent = plan ? WORDS.kept : WORDS.gone;
    this.putButton.hidden = plan !== null;
    this.removeButton.hidden = plan === null;
    if (plan) this.stays.checked = plan.stays;
  }
}
