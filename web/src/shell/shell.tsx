import { type Query, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useLayoutEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { isNotFound } from "@/api/client";
import { enterFeed, type Feed, invalidating } from "@/api/events";
import { keys } from "@/api/keys";
import { useProjectView } from "@/api/rights";
import { useMe } from "@/api/session";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { ownPlaces } from "@/state/places";
import { changeSettings, useSettings } from "@/state/settings";
import { openPalette, usePaletteOpen } from "@/ui/commands";
import { useHelp, useKeys } from "@/ui/keys";
import { part, useBegun } from "@/ui/part";
import { OutdatedNote } from "./outdated";
import { BottomBar, Rail } from "./rail";
import { RunNotices } from "./run-notices";
import { TopBar } from "./top-bar";

const KeysHelp = part(async () => (await import("@/ui/keys-help")).default);
const Palette = part(async () => (await import("./palette")).default);
const PARTS = [Palette, KeysHelp];

/** The project of the address, unless there is none of that name, or the one open last. */
function useProject(): { open: string; last: string } {
  const [location] = useLocation();
  const { project } = useSettings();
  const found = /^\/projects\/([^/]+)/.exec(location)?.[1];
  const named = found ? decodeURIComponent(found) : "";
  const { data, error } = useProjectView(named);
  const isThere = data !== undefined;
  const isMissing = isNotFound(error);
  useEffect(() => {
    if (isMissing) {
      if (project === named) changeSettings({ project: "" });
    } else if (isThere) changeSettings({ project: named });
  }, [named, project, isThere, isMissing]);
  const open = isMissing ? "" : named;
  return { open, last: open || (project === named ? "" : project) };
}

/** Listen to the open project, and make queries old by what happens there. */
function useLiveProject(project: string): Feed | null {
  const client = useQueryClient();
  const [feed, setFeed] = useState<Feed | null>(null);
  useEffect(() => {
    if (!project) return;
    const [entered, leave] = enterFeed(project);
    const invalidate = invalidating(client);
    const stopEvents = entered.onEvent(invalidate);
    let was = entered.connection;
    let isFirst = true;
    const stopWatching = entered.onConnection(() => {
      const { connection } = entered;
      if (connection === was) return;
      if (connection === "live") {
        // what happened between the first answers and the first event; later the server may be a
        // newer one, too, which its answer about the session says
        const isOld = ({ queryKey }: Query) => !isFirst || queryKey[0] !== keys.session[0];
        void client.invalidateQueries({ predicate: isOld });
        isFirst = false;
      } else if (was === "live") {
        // the stream ends with the session
        void client.invalidateQueries({ queryKey: keys.session });
      }
      was = connection;
    });
    setFeed(entered);
    return () => {
      stopEvents();
      stopWatching();
      invalidate.stop();
      leave();
      setFeed(null);
    };
  }, [project, client]);
  return feed;
}

/** Open the palette, or close it; over another dialog it does not open. */
function togglePalette(): void {
  const dialog = document.querySelector("[role=dialog]");
  if (!dialog || dialog.matches("[data-palette]")) openPalette(!dialog);
}

/** What is around every page: top bar, rail, bottom bar, keys. */
export function Shell({ children }: { children: ReactNode }) {
  const t = useText(common);
  const [, navigate] = useLocation();
  const [helpOpen, setHelpOpen] = useHelp();
  const project = useProject();
  const feed = useLiveProject(project.open);
  const { user } = useMe();
  const paletteOpen = usePaletteOpen();
  useLayoutEffect(() => ownPlaces(user), [user]);
  const bindings = useMemo(
    () => [
      { key: "$mod+k", text: t("palette.open"), run: togglePalette, everywhere: true },
      { key: "Shift+?", text: t("keys.help"), run: () => setHelpOpen(true) },
      { key: "g p", text: t("keys.go-projects"), run: () => navigate("/projects") },
      {
        key: "/",
        text: t("keys.search"),
        run: () => document.querySelector<HTMLElement>("[data-filter]")?.focus(),
      },
    ],
    [t, navigate, setHelpOpen],
  );
  useKeys(bindings, "anywhere");
  useBegun(PARTS);
  return (
    <>
      <button
        type="button"
        onClick={() => document.getElementById("content")?.focus()}
        className="sr-only rounded-md bg-surface p-3 focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50"
      >
        {t("nav.skip")}
      </button>
      <TopBar feed={feed} onHelp={() => setHelpOpen(true)} />
      <OutdatedNote />
      <div className="flex">
        <Rail project={project.last} />
        <main
          id="content"
          tabIndex={-1}
          className="min-w-0 grow px-4 pt-5 pb-24 outline-none sm:px-6 sm:pb-10"
        >
          {children}
        </main>
      </div>
      <RunNotices project={project.open} />
      <BottomBar project={project.last} />
      {paletteOpen && <Palette project={project.last} onHelp={() => setHelpOpen(true)} />}
      {helpOpen && <KeysHelp open onOpenChange={setHelpOpen} />}
    </>
  );
}
