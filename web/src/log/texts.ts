import { area } from "@/i18n";
import { en } from "@/i18n/en/log";
import { zh } from "@/i18n/zh/log";

export const logTexts = area(en, zh);
