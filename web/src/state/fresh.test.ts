import { beforeEach, expect, test, vi } from "vitest";

beforeEach(() => {
  sessionStorage.clear();
  vi.resetModules();
});

/** A tab that was just loaded: it remembers what the session storage holds, nothing else. */
async function tab() {
  const reload = vi.spyOn(location, "reload").mockImplementation(() => undefined);
  reload.mockClear();
  const { isReloading, reloadOnce } = await import("./fresh");
  return { isReloading, reloadOnce, reload };
}

test("a tab whose parts are gone is loaded again once, not in a circle", async () => {
  const old = await tab();
  expect(old.reloadOnce(1_000_000)).toBe(true);
  expect(old.reloadOnce(1_000_001)).toBe(true);
  expect(old.isReloading()).toBe(true);
  expect(old.reload).toHaveBeenCalledTimes(1);

  vi.resetModules();
  const again = await tab();
  expect(again.reloadOnce(1_005_000)).toBe(false);
  expect(again.isReloading()).toBe(false);
  expect(again.reload).not.toHaveBeenCalled();
});

test("the next upgrade is another matter", async () => {
  sessionStorage.setItem("mulligan.reloaded", "1000000");
  const later = await tab();
  expect(later.reloadOnce(1_060_000)).toBe(true);
  expect(later.reload).toHaveBeenCalledTimes(1);
});

test("what fails while nobody has asked for it does not load the tab again", async () => {
  const { reload } = await tab();
  const { loadAhead, noticeGoneParts } = await import("./fresh");
  const fails = () => window.dispatchEvent(new Event("vite:preloadError"));
  noticeGoneParts();

  await loadAhead(async () => fails());
  expect(reload).not.toHaveBeenCalled();

  fails();
  expect(reload).toHaveBeenCalledTimes(1);
});
