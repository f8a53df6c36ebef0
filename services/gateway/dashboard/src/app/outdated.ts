const KEY = "ag2trust-reloaded-at";
const PATIENCE_MS = 10_000;

/** A page's file that is not there any more belongs to an older dashboard: the newest is
 *  loaded, but not again and again. */
export function reloadWhenOutdated(): void {
  window.addEventListener("vite:preloadError", () => {
    const last = Number(sessionStorage.getItem(KEY) ?? 0);
    if (Date.now() - last < PATIENCE_MS) return;
    sessionStorage.setItem(KEY, String(Date.now()));
    window.location.reload();
  });
}
