/* words_zh_hant - our sentences in Traditional Chinese. */
#include "bot/words_table.h"

/* clang-format off */
const char *const words_zh_hant[WORDS__MAX] = {
	[WORDS_SYSTEM_BUSY] = "系統忙碌中，請稍後再試",
	[WORDS_SLOW_DOWN] = "請慢一點，稍後再傳訊息",
	[WORDS_TIMEOUT] = "處理逾時，請再試一次",
	[WORDS_BLOCKED] = "這個問題我無法回答，請諮詢醫師。",
	[WORDS_EMPTY] = "我沒有答案，請換個說法再問一次。",
	[WORDS_ERROR] = "系統發生問題，請稍後再試。",
	[WORDS_CUT] = "（回答太長，沒有說完。請傳「繼續」讓我接著說。）",
	[WORDS_FALLBACK] = "我的回答無法送出，請再試一次。",
	[WORDS_UNHEARD] = "我沒聽清楚，請再說一次。",
	[WORDS_NO_RECORDING] = "我無法取得您的語音訊息，請再傳一次。",
	[WORDS_TOO_LONG] = "您的語音訊息太長，請傳短一點的。",
	[WORDS_HEARD] = "您說：",
	[WORDS_VOICE_ON] = "語音已開啟：每個回答我都會朗讀。",
	[WORDS_VOICE_OFF] = "語音已關閉：我只用文字回答。",
	[WORDS_VOICE_AUTO] = "語音自動：您用語音提問，我用語音和文字回答。",
	[WORDS_NO_VOICE] = "這裡不提供語音，我只能用文字回答。",
	[WORDS_NOTHING_TO_SPEAK] = "還沒有可以朗讀的回答，請先問我問題。",
	[WORDS_NOT_SPOKEN] = "（這次無法朗讀，請看文字。）",
	[WORDS_VOICE_FOLLOWS] = "（語音訊息隨後送到。）",
	[WORDS_SPOKEN_IN_PART] = "（語音只朗讀開頭的部分。）",
};
/* clang-format on */
