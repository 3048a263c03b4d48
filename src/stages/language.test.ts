/**
 * Goal: texts get a language of upstream's list or an honest `unknown`.
 * Method: sentences in many scripts through the real detector.
 */
import { expect, test } from "vitest";
import { LANGUAGES } from "../message/index.js";
import { detectLanguage } from "./language.js";

test.each([
  ["en", "The water runs through the channel and turns the wheel of the mill."],
  ["de", "Das Wasser läuft durch den Graben und dreht das Rad der Mühle."],
  ["fr", "L'eau coule dans le canal et fait tourner la roue du moulin."],
  ["es", "El agua corre por el canal y hace girar la rueda del molino."],
  ["el", "Το νερό τρέχει στο αυλάκι και γυρίζει τον τροχό του μύλου."],
  ["ru", "Вода бежит по жёлобу и вращает колесо старой мельницы."],
  ["he", "המים זורמים בתעלה ומסובבים את הגלגל הגדול של הטחנה."],
  ["ar", "يجري الماء في القناة ويدير عجلة الطاحونة القديمة كل يوم."],
  ["ja", "水は水路を流れて水車を回し、石臼は夕方まで小麦をひき続けます。"],
  ["zh-cn", "水流过水渠推动水车，磨坊主说这个轮子从早上开始转动，从来没有停过。"],
  ["zh-tw", "水流過水渠推動水車，磨坊主說這個輪子從早上開始轉動，從來沒有停過。"],
  ["id", "Air mengalir melalui saluran dan memutar roda kincir setiap hari tanpa berhenti."],
])("finds %s", async (language, text) => {
  expect(await detectLanguage(text)).toBe(language);
});

test("under 20 letters it does not guess", async () => {
  expect(await detectLanguage("")).toBe("unknown");
  expect(await detectLanguage("Das ist ein Rad 1234567890123456789")).toBe("unknown");
  expect(await detectLanguage("12 345 678 901 234 567 890 ,.;:!?")).toBe("unknown");
});

test("a language that upstream does not list is unknown", async () => {
  const armenian = "Ջուրը հոսում է առվով և պտտեցնում է ջրաղացի անիվը ամբողջ օրը։";
  expect(await detectLanguage(armenian)).toBe("unknown");
});

test("leading noise and cut characters do no harm", async () => {
  const padded = `${" .1".repeat(5_000)}The water turns the wheel of the old mill all day.`;
  expect(await detectLanguage(padded)).toBe("en");
  expect(LANGUAGES).toContain(await detectLanguage("😀".repeat(3_000)));
  expect(LANGUAGES).toContain(
    await detectLanguage(`${"a".repeat(999)}😀 \ud800 \u0000 ${"b".repeat(50)}`),
  );
});
