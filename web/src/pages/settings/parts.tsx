/** What the sections of the settings are made of. */
import type { QueryKey } from "@tanstack/react-query";
import { type LucideIcon, Trash2 } from "lucide-react";
import { type ComponentProps, type ReactNode, useId, useState } from "react";
import { useChange } from "@/api/change";
import type { Paged } from "@/api/paged";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { settingsTexts } from "@/i18n/settings";
import { Button, IconButton } from "@/ui/button";
import { CopyButton } from "@/ui/copy";
import { Dialog } from "@/ui/dialog";
import { Empty, Skeleton } from "@/ui/empty";
import { usePageTitle } from "@/ui/head";
import { Failure, useProblemText } from "@/ui/loaded";
import { Head, Table } from "@/ui/table";

/** A section: its name, what it is for, what can be added. */
export function Section({
  title,
  hint,
  action,
  children,
}: {
  title: string;
  hint?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}) {
  usePageTitle(title);
  return (
    <section>
      <div className="mb-4 flex flex-wrap items-start gap-3">
        <div className="min-w-0 grow basis-60">
          <h2 className="text-lg font-semibold">{title}</h2>
          {hint && <p className="max-w-prose text-muted">{hint}</p>}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}

/** A list of the server as a table, or what stands there while it is empty. */
export function Listed<T>({
  list,
  label,
  columns,
  row,
  empty,
}: {
  list: Paged<T>;
  label: string;
  /** Heads of the columns; "" for the one with the buttons. */
  columns: readonly string[];
  row: (item: T) => ReactNode;
  empty: { icon: LucideIcon; title: string; hint?: ReactNode; action?: ReactNode };
}) {
  const t = useText(common);
  const s = useText(settingsTexts);
  if (list.error) return <Failure error={list.error} onRetry={() => void list.refetch()} />;
  if (!list.items) return <Skeleton className="h-24" />;
  if (list.items.length === 0) {
    return (
      <Empty icon={empty.icon} title={empty.title} action={empty.action}>
        {empty.hint}
      </Empty>
    );
  }
  return (
    <>
      <Table label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head key={column}>
                {column || <span className="sr-only">{s("column.actions")}</span>}
              </Head>
            ))}
          </tr>
        </thead>
        <tbody>{list.items.map(row)}</tbody>
      </Table>
      {list.hasNextPage && (
        <Button
          className="mt-3"
          busy={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          {t("page.more")}
        </Button>
      )}
    </>
  );
}

/** A dialog with a form; Enter sends it. Its error stands in it. */
export function FormDialog({
  title,
  description,
  submit,
  busy,
  error,
  onSubmit,
  onClose,
  extra,
  children,
}: {
  title: string;
  description?: ReactNode;
  submit: string;
  busy: boolean;
  error: unknown;
  onSubmit: () => void;
  onClose: () => void;
  /** Stands left of the buttons, as ways to copy. */
  extra?: ReactNode;
  children: ReactNode;
}) {
  const t = useText(common);
  const say = useProblemText();
  const id = useId();
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={title}
      description={description}
      actions={
        <>
          {extra && <span className="mr-auto">{extra}</span>}
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" form={id} variant="primary" busy={busy}>
            {submit}
          </Button>
        </>
      }
    >
      <form
        id={id}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        {error ? (
          <p role="alert" className="mb-2 font-medium break-words text-bad">
            {say(error)}
          </p>
        ) : null}
      </form>
    </Dialog>
  );
}

/** A button that removes something, after it has asked with its name. */
export function RemoveButton({
  name,
  act,
  old,
  word,
  hint,
  why,
}: {
  name: string;
  act: () => Promise<unknown>;
  old: readonly QueryKey[];
  /** What is done; "Remove" if absent. */
  word?: string;
  /** What follows from it. */
  hint?: string;
  /** Why one may not. */
  why?: string;
}) {
  const t = useText(settingsTexts);
  const c = useText(common);
  const [isOpen, setIsOpen] = useState(false);
  const remove = useChange(act, {
    done: t("removed", { name }),
    old,
    onDone: () => setIsOpen(false),
  });
  return (
    <>
      <IconButton
        size="small"
        icon={Trash2}
        label={`${word ?? t("remove")}: ${name}`}
        why={why}
        onClick={() => setIsOpen(true)}
      />
      {isOpen && (
        <Dialog
          open
          onOpenChange={setIsOpen}
          title={word ? `${word}: ${name}?` : t("remove.title", { name })}
          description={hint ?? t("remove.hint")}
          actions={
            <>
              <Button onClick={() => setIsOpen(false)}>{c("cancel")}</Button>
              <Button
                variant="danger"
                icon={Trash2}
                busy={remove.isPending}
                onClick={() => remove.mutate(undefined)}
              >
                {word ?? t("remove")}
              </Button>
            </>
          }
        >
          <p className="font-mono break-all">{name}</p>
        </Dialog>
      )}
    </>
  );
}

/** Something that is shown once, such as a new token. */
export function ShownOnce({
  title,
  values,
  onClose,
}: {
  title: string;
  values: readonly { label: string; value: string }[];
  onClose: () => void;
}) {
  const t = useText(settingsTexts);
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={title}
      description={t("once")}
      actions={
        <Button variant="primary" onClick={onClose}>
          {t("copied")}
        </Button>
      }
    >
      {values.map(({ label, value }) => (
        <div key={label} className="mb-3">
          <p className="mb-1 font-medium">{label}</p>
          <p className="flex items-center gap-2 rounded-md border border-line bg-sunken py-1 pr-1 pl-3">
            <code data-once className="min-w-0 grow font-mono text-[13px] break-all">
              {value}
            </code>
            <CopyButton text={value} label={`${label}`} />
          </p>
        </div>
      ))}
    </Dialog>
  );
}

/** A pill with a word. */
export function Pill({ className = "", ...rest }: ComponentProps<"span">) {
  return (
    <span
      {...rest}
      className={`inline-block rounded-full bg-sunken px-2 py-0.5 text-[13px] whitespace-nowrap text-muted ${className}`}
    />
  );
}
