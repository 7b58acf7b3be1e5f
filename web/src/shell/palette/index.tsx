/** One field that leads anywhere and does anything: go to a place, do what the page can do. */
import { clsx } from "clsx";
import {
  CommandEmpty,
  CommandGroup,
  CommandInput,
  CommandItem,
  CommandList,
  CommandRoot,
  defaultFilter,
} from "cmdk";
import { ChevronsDown, Search, X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { useRef, useState } from "react";
import { useLocation } from "wouter";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { paletteTexts } from "@/i18n/palette";
import { IconButton } from "@/ui/button";
import { type Command, openPalette, useAllCommands } from "@/ui/commands";
import { useFocusBack } from "@/ui/focus-back";
import { Key } from "@/ui/keys";
import { useProblemText } from "@/ui/loaded";
import {
  useEnvironmentsListed,
  usePipelinesFound,
  useProjectsListed,
  useRested,
  useRunsFound,
} from "./found";
import { useAnywhere, usePages, useRecent, useSettingsPlaces } from "./places";

const FOUND = "found:"; // begins the value of what the server has found: it fits by its word

function rank(value: string, search: string, words?: string[]): number {
  return value.startsWith(FOUND) ? 0.5 : defaultFilter(value, search, words);
}

interface Props {
  project: string;
  onHelp: () => void;
}

export default function Palette({ project, onHelp }: Props) {
  const t = useText(paletteTexts);
  const c = useText(common);
  const chosen = useRef<Command | null>(null);
  const [typed, setTyped] = useState("");
  const giveBack = useFocusBack(true);

  /** First the dialog goes, with what had the focus before; then it is done. */
  function choose(command: Command): void {
    if (command.why) return;
    chosen.current = command;
    openPalette(false);
  }

  function closed(event: Event): void {
    giveBack(event);
    chosen.current?.run();
  }

  return (
    <Radix.Root open onOpenChange={openPalette}>
      <Radix.Portal>
        <div className="fixed inset-0 z-40 bg-scrim" />
        <Radix.Content
          data-palette
          onCloseAutoFocus={closed}
          className="fixed inset-x-0 top-0 z-40 mx-auto flex max-h-[85dvh] w-full max-w-2xl flex-col overflow-hidden bg-surface shadow-float sm:top-[8vh] sm:max-h-[70dvh] sm:rounded-xl"
        >
          <Radix.Title className="sr-only">{t("title")}</Radix.Title>
          <Radix.Description className="sr-only">{t("hint")}</Radix.Description>
          <CommandRoot
            label={t("title")}
            filter={rank}
            loop
            vimBindings={false}
            className="flex min-h-0 flex-col"
          >
            <div className="flex items-center gap-2 border-b border-line px-3">
              <Search aria-hidden size={18} className="shrink-0 text-muted" />
              <CommandInput
                value={typed}
                onValueChange={setTyped}
                placeholder={t("field")}
                className="h-12 min-w-0 grow bg-transparent text-base outline-none placeholder:text-muted"
              />
              <IconButton
                size="small"
                icon={X}
                label={c("close")}
                onClick={() => openPalette(false)}
              />
            </div>
            <Results project={project} typed={typed.trim()} onChoose={choose} onHelp={onHelp} />
          </CommandRoot>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

function Results({
  project,
  typed,
  onChoose,
  onHelp,
}: Props & { typed: string; onChoose: (command: Command) => void }) {
  const t = useText(paletteTexts);
  const say = useProblemText();
  const [here, go] = useLocation();
  const search = useRested(typed);
  const pipelines = usePipelinesFound(project, search, go);
  const runs = useRunsFound(project, search, go);
  const environments = useEnvironmentsListed(project, go);
  const projects = useProjectsListed(go);
  const ofPage = useAllCommands();
  const recent = useRecent(here, go);
  const pages = usePages(project, go);
  const settings = useSettingsPlaces(project, go);
  const anywhere = useAnywhere(onHelp);
  const queries = [pipelines.query, runs.query, environments.query, projects.query];
  const isLooking = typed !== search || queries.some((query) => query.isFetching);
  const failure = queries.find((query) => query.error)?.error;
  const shared = { onChoose };
  return (
    <>
      <CommandList
        label={t("title")}
        onMouseDown={(event) => event.preventDefault()} // one goes on typing
        className="min-h-0 overflow-y-auto p-1.5 [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[13px] [&_[cmdk-group-heading]]:text-muted"
      >
        <Group {...shared} title={t("group.runs")} commands={runs.commands} found />
        <Group {...shared} title={t("group.here")} commands={ofPage} />
        <Group {...shared} title={t("group.pipelines")} commands={pipelines.commands} found>
          {pipelines.commands.length > 0 && pipelines.query.hasNextPage && (
            <CommandItem
              value={`${FOUND}more`}
              onSelect={() => void pipelines.query.fetchNextPage()}
              className={ITEM}
            >
              <ChevronsDown aria-hidden size={16} className="shrink-0 text-muted" />
              {t("more")}
            </CommandItem>
          )}
        </Group>
        <Group {...shared} title={t("group.recent")} commands={recent} />
        {typed && (
          <>
            <Group {...shared} title={t("group.environments")} commands={environments.commands} />
            <Group {...shared} title={t("group.projects")} commands={projects.commands} />
          </>
        )}
        <Group {...shared} title={t("group.go")} commands={pages} />
        {typed && <Group {...shared} title={t("group.settings")} commands={settings} />}
        <Group {...shared} title={t("group.anywhere")} commands={anywhere} />
        <CommandEmpty className="px-3 py-6 text-center text-muted">
          {isLooking ? t("looking") : t("none")}
        </CommandEmpty>
      </CommandList>
      {failure !== undefined && failure !== null && (
        <p role="alert" className="border-t border-line px-4 py-2 text-bad">
          {t("failed", { reason: say(failure) })}
        </p>
      )}
    </>
  );
}

const ITEM =
  "flex min-h-10 cursor-default select-none items-center gap-2.5 rounded-md px-2.5 py-1 data-[selected=true]:bg-busy-soft";

function Group({
  title,
  commands,
  onChoose,
  found = false,
  children,
}: {
  title: string;
  commands: readonly Command[];
  onChoose: (command: Command) => void;
  /** The server has found them: nothing of them is left out. */
  found?: boolean;
  children?: React.ReactNode;
}) {
  if (commands.length === 0) return null;
  return (
    <CommandGroup heading={title}>
      {commands.map((command) => (
        <Item key={command.id} command={command} found={found} onChoose={onChoose} />
      ))}
      {children}
    </CommandGroup>
  );
}

/** What is not possible can be chosen all the same: it then says why, and does nothing. */
function Item({
  command,
  found,
  onChoose,
}: {
  command: Command;
  found: boolean;
  onChoose: (command: Command) => void;
}) {
  const t = useText(paletteTexts);
  const { id, text, icon: Icon, hint, key, words, why } = command;
  return (
    <CommandItem
      value={(found ? FOUND : "") + id}
      keywords={[text, hint ?? "", ...(words ?? [])]}
      onSelect={() => onChoose(command)}
      data-command={id}
      data-why={why}
      className={ITEM}
    >
      {Icon ? (
        <Icon aria-hidden size={16} className="shrink-0 text-muted" />
      ) : (
        <span className="w-4 shrink-0" />
      )}
      <span className={clsx("min-w-0 grow", why && "text-muted")}>
        <span className="block truncate">{text}</span>
        {(why || hint) && (
          <span className="block text-[13px] break-words text-muted">
            {why ? t("not-possible", { why }) : hint}
          </span>
        )}
      </span>
      {key && (
        <span className="hidden sm:inline">
          <Key>{key}</Key>
        </span>
      )}
    </CommandItem>
  );
}
