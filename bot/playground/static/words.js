// The page's own words. The bot's words come from the bot.

const WORDS = {
  zh: {
    bot: "机器人",
    typing: "正在输入…",
    people: "人物",
    switch: "切换人物",
    prove: "证明身份需要",
    fill: "填入",
    add: "添加人物",
    first_name: "姓名",
    phone: "手机号（可不填）",
    language: "语言",
    create: "添加",
    cancel: "取消",
    close: "关闭",
    ok: "好",
    menu: "菜单",
    message: "输入消息",
    send: "发送",
    attach: "发送照片、文件或位置",
    show_keyboard: "显示按钮",
    hide_keyboard: "收起按钮",
    photo: "照片",
    document: "文件",
    location: "位置",
    caption: "添加说明",
    photos_title: "发送照片",
    location_title: "发送位置",
    latitude: "纬度",
    longitude: "经度",
    here: "用我现在的位置",
    contact_title: "分享手机号？",
    contact_text: "机器人将看到您的姓名和手机号",
    contact_share: "分享",
    start: "开始",
    what: "这个机器人能做什么？",
    unblock: "解除屏蔽",
    block: "屏蔽机器人",
    blocked: "已屏蔽",
    edited: "已编辑",
    you: "您",
    own_number: "本人号码",
    voice: "语音",
    sticker: "贴纸",
    unsupported: "此消息无法显示",
    new_messages: (count) => `${count} 条新消息`,
    to_end: "回到最新",
    today: "今天",
    yesterday: "昨天",
    failed: "没有发出去，请再试一次",
    offline: "正在重新连接…",
    copied: "已复制",
    nobody: "还没有人物。请先添加一个。",
    playground: "演练场：这里的人和消息都是虚构的，不会发到外面。",
    spoiler: "点按显示",
    sent: "已发送",
    seen: "已送达",
    open_photo: "查看照片",
  },
  en: {
    bot: "bot",
    typing: "typing…",
    people: "People",
    switch: "Switch person",
    prove: "To prove who you are",
    fill: "Use",
    add: "Add a person",
    first_name: "Name",
    phone: "Phone (optional)",
    language: "Language",
    create: "Add",
    cancel: "Cancel",
    close: "Close",
    ok: "OK",
    menu: "Menu",
    message: "Message",
    send: "Send",
    attach: "Send a photo, file or location",
    show_keyboard: "Show buttons",
    hide_keyboard: "Hide buttons",
    photo: "Photo",
    document: "File",
    location: "Location",
    caption: "Add a caption",
    photos_title: "Send photos",
    location_title: "Send a location",
    latitude: "Latitude",
    longitude: "Longitude",
    here: "Use where I am",
    contact_title: "Share your phone number?",
    contact_text: "The bot will see your name and number",
    contact_share: "Share",
    start: "Start",
    what: "What can this bot do?",
    unblock: "Unblock",
    block: "Block the bot",
    blocked: "blocked",
    edited: "edited",
    you: "You",
    own_number: "own number",
    voice: "Voice message",
    sticker: "Sticker",
    unsupported: "This message cannot be shown",
    new_messages: (count) => `${count} new message${count === 1 ? "" : "s"}`,
    to_end: "To the newest",
    today: "Today",
    yesterday: "Yesterday",
    failed: "It was not sent. Please try again.",
    offline: "Connecting again…",
    copied: "Copied",
    nobody: "There is nobody yet. Add a person first.",
    playground: "A playground: people and messages are invented and never leave this machine.",
    spoiler: "Tap to show",
    sent: "sent",
    seen: "delivered",
    open_photo: "View photo",
  },
};

let language = "zh";

export function speak(code) {
  language = (code || "").toLowerCase().startsWith("en") ? "en" : "zh";
  document.documentElement.lang = language;
}

export function word(name, ...values) {
  const found = WORDS[language][name];
  return typeof found === "function" ? found(...values) : found;
}

export function clock(seconds) {
  return new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false }).format(seconds * 1000);
}

export function day(seconds) {
  const date = new Date(seconds * 1000);
  const midnight = new Date();
  midnight.setHours(0, 0, 0, 0);
  const ago = Math.ceil((midnight - date) / 86_400_000);
  if (ago <= 0) return word("today");
  if (ago === 1) return word("yesterday");
  const options = { month: "long", day: "numeric" };
  if (date.getFullYear() !== midnight.getFullYear()) options.year = "numeric";
  return new Intl.DateTimeFormat(language, options).format(date);
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
