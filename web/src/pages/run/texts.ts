import { area } from "@/i18n";
import { en } from "@/i18n/en/run";
import { zh } from "@/i18n/zh/run";

export const texts = area(en, zh);
