/**
 * Texts in two languages. An area is a flat table; English is its type, so a Chinese text that is
 * missing or too many is a type error. `{name}` in a text is filled in; `n` also chooses the plural.
 */
import { useMemo } from "react";
import { type Language, useSettings } from "@/state/settings";

export type Text = string | { readonly one: string; readonly other: string };
export type Texts<T> = { readonly [K in keyof T]: Text };

type Names<S> = S extends `${string}{${infer N}}${infer Rest}` ? N | Names<Rest> : never;
type NamesOf<V> = V extends { one: infer A; other: infer B } ? Names<A> | Names<B> : Names<V>;
type Arguments<V> = [NamesOf<V>] extends [never]
  ? []
  : [values: { readonly [N in NamesOf<V>]: string | number }];

export interface Area<T> {
  readonly en: T;
  readonly zh: Texts<T>;
}

export type Translate<T> = <K extends keyof T>(key: K, ...values: Arguments<T[K]>) => string;

export function area<T extends Texts<T>>(en: T, zh: Texts<T>): Area<T> {
  return { en, zh };
}

const plurals = { en: new Intl.PluralRules("en"), zh: new Intl.PluralRules("zh") };
const LOCALES: Record<Language, string> = { en: "en-GB", zh: "zh-CN" };
const numbers = {
  en: new Intl.NumberFormat(LOCALES.en, { maximumFractionDigits: 1 }),
  zh: new Intl.NumberFormat(LOCALES.zh, { maximumFractionDigits: 1 }),
};

function fill(text: Text, language: Language, values: Record<string, string | number>): string {
  let chosen: string;
  if (typeof text === "string") chosen = text;
  else chosen = plurals[language].select(Number(values.n)) === "one" ? text.one : text.other;
  return chosen.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? numbers[language].format(value) : value;
  });
}

export function translator<T>(texts: Area<T>, language: Language): Translate<T> {
  return (key, ...values) =>
    fill(texts[language][key] as Text, language, (values[0] ?? {}) as Record<string, string>);
}

export function useText<T>(texts: Area<T>): Translate<T> {
  const { language } = useSettings();
  return useMemo(() => translator(texts, language), [texts, language]);
}

export function useLocale(): string {
  return LOCALES[useSettings().language];
}
