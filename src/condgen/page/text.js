// Every word of the page, in both languages.

import { memory } from "./dom.js";

const ENGLISH = {
  skip: "To the pictures",
  language: "中文",
  "to-dark": "Dark",
  "to-light": "Light",
  loading: "One moment: the model is getting ready.",
  "no-start": "The page could not start: {message}",

  classes: "Class",
  attributes: "Attributes",
  "facts-classes": "{n} classes",
  "facts-attributes": "{n} attributes",
  "facts-single": "no labels",
  grey: "grey",
  colour: "colour",
  images: "{n} images seen",

  views: "Views",
  draw: "Pictures",
  walk: "Walk",
  same: "Same noise",
  grid: "Grid",
  plane: "Plane",
  "draw-tells": "Pictures of “{label}”, each from noise of its own.",
  "draw-tells-single": "Pictures, each from noise of its own.",
  "walk-tells": "From the noise of one seed to that of another; the label stays.",
  "same-tells": "One noise under every label: what changes is the label alone.",
  "same-tells-attributes": "One noise: as chosen, then with each attribute switched.",
  "grid-tells": "A column per label, one noise along each row.",
  "plane-tells": "Every place on the plane is a picture. Drag, or use the arrow keys.",

  seed: "Seed",
  from: "From seed",
  to: "To seed",
  another: "Another",
  part: "Part of the way",
  "plane-label": "Latent plane; the arrow keys move the point",

  "title-index": "{label}, seed {seed}, picture {index}",
  "title-walk": "{label}, {part} % of the way from seed {from} to seed {to}",
  "title-near": "{label}, near seed {seed}, picture {index}",
  "title-at": "{label}, at ({numbers})",
  "title-point": "{label}, a point between others",
  near: "More like this",
  download: "Download PNG",
  close: "Close",
  back: "Back",
  previous: "Previous picture",
  next: "Next picture",

  zip: "Download",
  "zip-each": "Pictures per class",
  "zip-each-attributes": "Pictures per attribute",
  "zip-each-single": "Pictures",
  "zip-start": "Download zip",
  "zip-works": "Drawing {n} pictures …",
  "zip-done": "Saved: {n} pictures and manifest.json, which tells the label, seed, index and SHA-256 of each.",
  "zip-tells": "PNG files and a manifest, seed {seed}.",

  options: "Sampling",
  "option-truncation": "Truncation",
  "option-truncation-help": "1: as in training. Smaller values give less variety and more typical images.",

  code: "The same in code",
  command: "Command line",
  python: "Python",
  curl: "curl",
  copy: "Copy",
  copied: "Copied",

  busy: "Many are asking right now.",
  gone: "The server does not answer. Is `condgen serve` still running?",
  token: "This server wants the token that it printed when it started.",
  refused: "That could not be drawn: {message}",
  again: "Next try in {seconds} s.",
  retry: "Try now",
  unlock: "Go on",
  "token-field": "Token",
  "footer-http": "condgen · Drawn by your own server. No picture and no click leaves it.",
  "footer-onnx": "condgen · The network runs in this page. Nothing leaves this machine.",
};

const CHINESE = {
  skip: "跳到图片",
  language: "English",
  "to-dark": "深色",
  "to-light": "浅色",
  loading: "请稍候，模型正在准备。",
  "no-start": "页面无法启动：{message}",

  classes: "类别",
  attributes: "属性",
  "facts-classes": "{n} 个类别",
  "facts-attributes": "{n} 个属性",
  "facts-single": "不用标签",
  grey: "灰度",
  colour: "彩色",
  images: "训练时看过 {n} 张图片",

  views: "视图",
  draw: "图片",
  walk: "漫步",
  same: "同一噪声",
  grid: "网格",
  plane: "平面",
  "draw-tells": "“{label}”的图片，每张用各自的噪声。",
  "draw-tells-single": "每张图片用各自的噪声。",
  "walk-tells": "从一个种子的噪声走到另一个种子的噪声，标签不变。",
  "same-tells": "同一个噪声配上每个标签：变化的只有标签。",
  "same-tells-attributes": "同一个噪声：先是所选的属性，再逐一切换每个属性。",
  "grid-tells": "每列一个标签，每行用同一个噪声。",
  "plane-tells": "平面上的每一点都是一张图片。拖动，或用方向键。",

  seed: "种子",
  from: "起点种子",
  to: "终点种子",
  another: "换一个",
  part: "走过的比例",
  "plane-label": "潜在平面；方向键移动这一点",

  "title-index": "{label}，种子 {seed}，第 {index} 张",
  "title-walk": "{label}，从种子 {from} 到种子 {to} 的 {part} %",
  "title-near": "{label}，靠近种子 {seed} 的第 {index} 张",
  "title-at": "{label}，位于 ({numbers})",
  "title-point": "{label}，其他点之间的一点",
  near: "更多类似的",
  download: "下载 PNG",
  close: "关闭",
  back: "返回",
  previous: "上一张",
  next: "下一张",

  zip: "下载",
  "zip-each": "每个类别的图片数",
  "zip-each-attributes": "每个属性的图片数",
  "zip-each-single": "图片数",
  "zip-start": "下载 zip",
  "zip-works": "正在画 {n} 张图片……",
  "zip-done": "已保存：{n} 张图片和 manifest.json，其中有每张的标签、种子、序号和 SHA-256。",
  "zip-tells": "PNG 文件和清单，种子 {seed}。",

  options: "采样",
  "option-truncation": "截断",
  "option-truncation-help": "1 与训练时相同；数值越小，图像越典型，变化越少。",

  code: "用代码得到同样的图片",
  command: "命令行",
  python: "Python",
  curl: "curl",
  copy: "复制",
  copied: "已复制",

  busy: "现在请求很多。",
  gone: "服务器没有回应。`condgen serve` 还在运行吗？",
  token: "此服务器需要它启动时显示的令牌。",
  refused: "无法画出：{message}",
  again: "{seconds} 秒后重试。",
  retry: "现在重试",
  unlock: "继续",
  "token-field": "令牌",
  "footer-http": "condgen · 由你自己的服务器绘制。图片和点击都不会离开它。",
  "footer-onnx": "condgen · 网络就在本页中运行。没有任何内容离开这台机器。",
};

export const TEXT = { en: ENGLISH, "zh-CN": CHINESE };

export function language() {
  const chosen = memory.get("language") ?? navigator.language ?? "en";
  return chosen.startsWith("zh") ? "zh-CN" : "en";
}

export function switchLanguage() {
  memory.set("language", language() === "en" ? "zh-CN" : "en");
}

/** The words for a key in the language of the page, with {name} filled in from `values`. */
export function t(key, values = {}) {
  return TEXT[language()][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The words for a key, or undefined where the page has none. */
export function known(key) {
  return TEXT[language()][key];
}

/** A count as people write it: 400,000. */
export function count(n) {
  return n.toLocaleString(language());
}
