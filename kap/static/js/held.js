// Who may send a draft: the page that it is written on while somebody sees that page, any other page while not. A page
// in the background may be asleep, with the network back and nobody to notice.
const nameOf = (owner, draft) => `kap-draft:${owner}:${draft}`;

/** Hold the draft while this page is seen. Where the browser has no locks, the server takes the same words twice for one save. */
export function holdWhileSeen(owner, draft) {
  if (!navigator.locks) return;
  let letGo = null;
  const hold = () => navigator.locks.request(nameOf(owner, draft), { mode: "shared" }, () => new Promise((resolve) => {
    letGo = resolve;
    if (document.hidden) resolve();
  })).finally(() => { letGo = null; });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) letGo?.();
    else if (letGo === null) hold();
  });
  if (!document.hidden) hold();
}

/** Do `work` while no page holds the draft; nothing where one does. */
export function whileNobodyHolds(owner, draft, work) {
  if (!navigator.locks) return work();
  return navigator.locks.request(nameOf(owner, draft), { ifAvailable: true }, (lock) => lock && work());
}
