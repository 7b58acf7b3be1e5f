/** The help behind `?`: the keys that work on this page, and a switch for all of them. */
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { changeSettings, useSettings } from "@/state/settings";
import { Dialog } from "./dialog";
import { Switch } from "./field";
import { Key, type KeyBinding, registered } from "./keys";

export default function KeysHelp({
  open,
  onOpenChange,
}: {
  open: boolean;
  onOpenChange: (to: boolean) => void;
}) {
  const t = useText(common);
  const { keys } = useSettings();
  const all = registered.use();
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={t("keys.title")}
      description={t("keys.hint")}
    >
      <Switch label={t("keys.on")} checked={keys} onChange={(to) => changeSettings({ keys: to })} />
      <KeyList
        title={t("keys.group.here")}
        bindings={all.filter((each) => each.scope === "here").flatMap((each) => each.bindings)}
      />
      <KeyList
        title={t("keys.group.anywhere")}
        bindings={all.filter((each) => each.scope === "anywhere").flatMap((each) => each.bindings)}
      />
    </Dialog>
  );
}

function KeyList({ title, bindings }: { title: string; bindings: readonly KeyBinding[] }) {
  if (bindings.length === 0) return null;
  return (
    <section className="mt-4">
      <h3 className="mb-1 text-[13px] font-medium text-muted">{title}</h3>
      <dl className="grid grid-cols-[auto_1fr] items-center gap-x-4 gap-y-1.5">
        {bindings.map(({ key, text }) => (
          <div key={key} className="contents">
            <dt>
              <Key>{key}</Key>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
