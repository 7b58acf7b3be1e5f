import { MapPinOff } from "lucide-react";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { LinkButton } from "./button";
import { Empty } from "./empty";

export function NothingHere() {
  const t = useText(common);
  return (
    <Empty
      icon={MapPinOff}
      heading="h1"
      title={t("missing.title")}
      action={<LinkButton href="/projects">{t("missing.back")}</LinkButton>}
    >
      {t("missing.hint")}
    </Empty>
  );
}
