/** What is needed less often, in groups: as the menu behind "…", and in the palette. */
import { Ellipsis } from "lucide-react";
import { Fragment } from "react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { IconButton } from "@/ui/button";
import { type Command, useCommands } from "@/ui/commands";
import { copy } from "@/ui/copy";
import { Menu, MenuItem, MenuLine } from "@/ui/menu";
import { toast } from "@/ui/toast";

export function CommandMenu({ groups }: { groups: readonly (readonly Command[])[] }) {
  const c = useText(common);
  useCommands(groups.flat(), 1);
  return (
    <Menu trigger={<IconButton variant="normal" icon={Ellipsis} label={c("more")} />}>
      {groups.map((group, index) => (
        <Fragment key={group[0]?.id}>
          {index > 0 && <MenuLine />}
          {group.map(({ id, icon, text, hint, why, run }) => (
            <MenuItem key={id} icon={icon} hint={hint} why={why} onSelect={run}>
              {text}
            </MenuItem>
          ))}
        </Fragment>
      ))}
    </Menu>
  );
}

/** Copy a text, and say in the corner whether it was. */
export function useCopying(): (text: string) => Promise<void> {
  const c = useText(common);
  return async (text) => {
    if (await copy(text)) toast("good", c("copied"));
    else toast("bad", c("copy.failed"));
  };
}
