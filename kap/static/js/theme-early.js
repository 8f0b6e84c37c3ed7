// A classic script in the head, so that the chosen theme stands before the first paint: no flash in a dim room.
(function () {
  var root = document.documentElement;
  try {
    var chosen = localStorage.getItem("kap-theme");
    // Only pages that follow the device may be changed; the session room keeps its own night.
    if (root.dataset.theme === "auto" && (chosen === "light" || chosen === "dark")) root.dataset.theme = chosen;
  } catch (refused) {
    // Storage is closed to us (private window): follow the device.
  }
})();
