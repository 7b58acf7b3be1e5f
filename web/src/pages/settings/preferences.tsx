import type { ReactNode } from "react";
import { useLanguage } from "@/api/session";
import { useText } from "@/i18n";
import { common } from "@/i18n/common";
import { settingsTexts } from "@/i18n/settings";
import { changeSettings, type Language, type Theme, useSettings } from "@/state/settings";
import { Field, Select, Switch } from "@/ui/field";
import { Section } from "./parts";

const LANGUAGES = [
  { value: "en", text: "English" },
  { value: "zh", text: "中文" },
];

export default function Preferences() {
  const t = useText(settingsTexts);
  const c = useText(common);
  const [language, setLanguage] = useLanguage();
  const { theme, keys } = useSettings();
  const themes = (["system", "light", "dark"] as const).map((value) => ({
    value,
    text: c(`theme.${value}`),
  }));
  return (
    <Section title={t("preferences")}>
      <div className="max-w-sm">
        <Choice
          label={t("preferences.language")}
          hint={t("preferences.language.hint")}
          value={language}
          options={LANGUAGES}
          onChange={(value) => setLanguage(value as Language)}
        />
        <Choice
          label={t("preferences.theme")}
          hint={t("preferences.theme.hint")}
          value={theme}
          options={themes}
          onChange={(value) => changeSettings({ theme: value as Theme })}
        />
        <p className="mb-1 font-medium">{t("preferences.keys")}</p>
        <Switch
          label={c("keys.on")}
          checked={keys}
          onChange={(to) => changeSettings({ keys: to })}
        />
        <p className="mt-1 text-[13px] text-muted">{t("preferences.keys.hint")}</p>
      </div>
    </Section>
  );
}

function Choice({
  label,
  hint,
  value,
  options,
  onChange,
}: {
  label: string;
  hint: ReactNode;
  value: string;
  options: readonly { value: string; text: string }[];
  onChange: (value: string) => void;
}) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <Select
          {...ids}
          value={value}
          options={options}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
