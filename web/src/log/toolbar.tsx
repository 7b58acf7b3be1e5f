/** What can be done with a log, above it. */
import {
  ArrowDownToLine,
  ArrowUpToLine,
  ChevronDown,
  ChevronUp,
  CircleX,
  Clock,
  Download,
  Ellipsis,
  FileDown,
  FileText,
  FoldVertical,
  Link2,
  Maximize2,
  Minimize2,
  TextSelect,
  TriangleAlert,
  UnfoldVertical,
  WrapText,
} from "lucide-react";
import type { ReactNode } from "react";
import { API } from "@/api/client";
import { useText } from "@/i18n";
import { changeSettings, settings, useSettings } from "@/state/settings";
import { IconButton } from "@/ui/button";
import { Menu, MenuItem, MenuLine } from "@/ui/menu";
import { type Query, SearchField, Toggle } from "./search";
import { addressOf, type LogPath, type Seen } from "./store";
import { logTexts } from "./texts";
import { TIMES } from "./times";

export interface ToolbarProps {
  path: LogPath;
  seen: Seen;
  query: Query;
  errors: number;
  warnings: number;
  follow: boolean;
  full: boolean;
  hasGroups: boolean;
  onSearch: (query: Query) => void;
  onStep: (forward: boolean) => void;
  onError: (forward: boolean) => void;
  onFollow: (follow: boolean) => void;
  onFull: (full: boolean) => void;
  onTop: () => void;
  onEnd: () => void;
  onFoldAll: (fold: boolean) => void;
  onPlain: () => void;
  onCopy: (form: "text" | "markdown" | "link") => void;
  /** In front of it all. */
  children?: ReactNode;
}

const DOTS = {
  loading: "bg-wait",
  live: "bg-ok",
  waiting: "bg-bad",
  ended: "bg-idle",
  failed: "bg-bad",
};

export function Toolbar(props: ToolbarProps) {
  const { seen, query, follow, full } = props;
  const t = useText(logTexts);
  const { logTimes, logWrap } = useSettings();
  return (
    <div className="flex flex-wrap items-center gap-x-1 gap-y-1.5 border-b border-line bg-surface px-2 py-1.5">
      {props.children}
      <SearchField query={query} onSearch={props.onSearch} onStep={props.onStep} />
      <Issues {...props} />
      <span className="ml-auto inline-flex h-7 items-center gap-1.5 px-2 text-[13px] whitespace-nowrap text-muted">
        <span aria-hidden className={`size-2 rounded-full ${DOTS[seen.connection]}`} />
        <span role="status">{t(`state.${seen.connection}`)}</span>
        <span data-total={seen.total}>{t("lines", { n: seen.total })}</span>
      </span>
      {(seen.connection === "live" || seen.connection === "waiting") && (
        <Toggle label={t("follow.hint")} pressed={follow} onPress={props.onFollow}>
          <ArrowDownToLine aria-hidden size={16} />
        </Toggle>
      )}
      <Toggle
        label={`${t("times.next")}: ${t(`times.${logTimes}`)}`}
        pressed={logTimes !== "off"}
        onPress={nextTimes}
      >
        <Clock aria-hidden size={16} />
      </Toggle>
      <Toggle
        label={t("wrap")}
        pressed={logWrap}
        onPress={(wrap) => changeSettings({ logWrap: wrap })}
      >
        <WrapText aria-hidden size={16} />
      </Toggle>
      <Toggle label={t(full ? "full.leave" : "full")} pressed={full} onPress={props.onFull}>
        {full ? <Minimize2 aria-hidden size={16} /> : <Maximize2 aria-hidden size={16} />}
      </Toggle>
      <More {...props} />
    </div>
  );
}

export function nextTimes(): void {
  const now = TIMES.indexOf(settings().logTimes);
  changeSettings({ logTimes: TIMES[(now + 1) % TIMES.length] });
}

/** How many errors and warnings there are, and a way from one to the next. */
function Issues({ seen, errors, warnings, onError }: ToolbarProps) {
  const t = useText(logTexts);
  const some = seen.marksCut;
  if (errors === 0 && warnings === 0) return null;
  return (
    <span className="inline-flex items-center gap-1 text-[13px] whitespace-nowrap">
      {errors > 0 && (
        <span className="inline-flex items-center gap-1 pl-1 font-medium text-bad">
          <CircleX aria-hidden size={14} />
          {t(some ? "errors.some" : "errors", { n: errors })}
        </span>
      )}
      {warnings > 0 && (
        <span className="inline-flex items-center gap-1 pl-1 text-wait">
          <TriangleAlert aria-hidden size={14} />
          {t(some ? "warnings.some" : "warnings", { n: warnings })}
        </span>
      )}
      {errors > 0 && (
        <>
          <IconButton
            size="small"
            icon={ChevronUp}
            label={t("errors.before")}
            onClick={() => onError(false)}
          />
          <IconButton
            size="small"
            icon={ChevronDown}
            label={t("errors.next")}
            onClick={() => onError(true)}
          />
        </>
      )}
    </span>
  );
}

function More(props: ToolbarProps) {
  const { path, hasGroups, onFoldAll, onCopy } = props;
  const t = useText(logTexts);
  const raw = `${addressOf(path)}?attempt=${path.attempt}`;
  const noGroups = hasGroups ? undefined : t("fold.none");
  const { project, run } = path;
  const all = `${API}/projects/${encodeURIComponent(project)}/runs/${run}/log/download`;
  return (
    <Menu trigger={<IconButton size="small" icon={Ellipsis} label={t("menu")} />}>
      <MenuItem icon={ArrowUpToLine} onSelect={props.onTop}>
        {t("go.top")}
      </MenuItem>
      <MenuItem icon={ArrowDownToLine} onSelect={props.onEnd}>
        {t("go.end")}
      </MenuItem>
      <MenuItem icon={TextSelect} onSelect={props.onPlain}>
        {t("plain")}
      </MenuItem>
      <MenuLine />
      <MenuItem icon={Link2} onSelect={() => onCopy("link")}>
        {t("copy.link")}
      </MenuItem>
      <MenuItem icon={FileText} onSelect={() => window.open(raw, "_blank", "noopener")}>
        {t("raw")}
      </MenuItem>
      <MenuItem icon={FileDown} onSelect={() => location.assign(`${raw}&download=true`)}>
        {t("download.step")}
      </MenuItem>
      <MenuItem icon={Download} onSelect={() => location.assign(all)}>
        {t("download.run")}
      </MenuItem>
      <MenuLine />
      {/* at the end, and also without groups: one that is found must move nothing under the mouse */}
      <MenuItem icon={FoldVertical} why={noGroups} onSelect={() => onFoldAll(true)}>
        {t("fold")}
      </MenuItem>
      <MenuItem icon={UnfoldVertical} why={noGroups} onSelect={() => onFoldAll(false)}>
        {t("unfold")}
      </MenuItem>
    </Menu>
  );
}
