"""Neutral words for groups of people, of our own choice: to ask whether mentioning one makes a clean text suspicious.

They name gender, orientation, religion, origin, skin colour, age and disability, in the words that such people use of
themselves or that a newspaper would use. Inflected languages have the commonest forms. Bring your own list where it
matters (`--identity`).
"""

from __future__ import annotations

from functools import cache

from saedata.probing.terms import WordList

_TERMS = {
    "en": (
        "woman women man men girl girls boy boys mother "
        "father gay lesbian bisexual transgender trans queer "
        "heterosexual homosexual muslim muslims islam jew jews "
        "jewish christian christians catholic hindu buddhist "
        "atheist black white asian african american european "
        "arab latino latina hispanic indian chinese mexican "
        "immigrant immigrants refugee refugees migrant migrants foreigner "
        "foreigners elderly teenager deaf blind "
        "disabled autistic wheelchair"
    ),
    "de": (
        "frau frauen mann männer mädchen junge jungen mutter "
        "vater schwul schwule schwulen lesbisch lesbe lesben "
        "bisexuell transgender trans queer homosexuell homosexuelle "
        "muslim muslime muslimin muslimisch islam jude "
        "juden jüdin jüdisch christ christen christlich katholisch "
        "hindu buddhist atheist schwarze weiße "
        "asiatisch afrikanisch afrikaner araber türke türken "
        "türkisch pole polen einwanderer flüchtling flüchtlinge "
        "migrant migranten ausländer rentner gehörlos blind behindert behinderung autistisch rollstuhl"
    ),
    "fr": (
        "femme femmes homme hommes fille filles garçon garçons "
        "mère père gay lesbienne bisexuel transgenre trans queer "
        "homosexuel homosexuels hétérosexuel musulman musulmane musulmans "
        "islam juif juive juifs chrétien chrétiens "
        "catholique hindou bouddhiste athée noir noire noirs "
        "blanc blanche blancs asiatique africain africains arabe "
        "arabes maghrébin immigré immigrés réfugié réfugiés migrant "
        "migrants étranger étrangers âgé sourd aveugle "
        "handicapé autiste"
    ),
    "es": (
        "mujer mujeres hombre hombres niña niñas niño niños "
        "madre padre gay lesbiana bisexual transgénero trans queer "
        "homosexual homosexuales heterosexual musulmán musulmana musulmanes "
        "islam judío judía judíos cristiano "
        "cristianos católico hindú budista ateo negro negra "
        "negros blanco blanca blancos asiático africano africanos "
        "árabe árabes latino latina indígena gitano "
        "gitanos inmigrante inmigrantes refugiado refugiados migrante "
        "migrantes extranjero extranjeros anciano sordo ciego discapacitado discapacidad autista"
    ),
    "it": (
        "donna donne uomo uomini ragazza ragazze ragazzo ragazzi "
        "madre padre gay lesbica bisessuale transgender trans "
        "queer omosessuale omosessuali eterosessuale musulmano musulmana "
        "musulmani islam ebreo ebrea ebrei cristiano "
        "cristiani cattolico induista buddista ateo nero nera "
        "neri bianco bianca bianchi asiatico africano africani "
        "arabo arabi immigrato immigrati rifugiato rifugiati "
        "migrante migranti straniero stranieri anziano anziani "
        "sordo cieco disabile disabili autistico"
    ),
    "pt": (
        "mulher mulheres homem homens menina menino mãe pai "
        "gay lésbica bissexual transgênero trans queer homossexual "
        "muçulmano muçulmana muçulmanos islã judeu judia judeus "
        "cristão cristãos católico hindu budista ateu negro "
        "negra negros branco branca brancos asiático africano "
        "africanos árabe árabes indígena imigrante imigrantes "
        "refugiado refugiados migrante estrangeiro estrangeiros idoso surdo cego deficiente autista"
    ),
    "ru": (
        "женщина женщины женщин мужчина мужчины мужчин девушка девушки "
        "девочка мальчик мать отец гей геи лесбиянка "
        "бисексуал трансгендер гомосексуал мусульманин мусульмане мусульман "
        "ислам еврей евреи евреев христианин "
        "христиане православный католик буддист атеист чернокожий темнокожий "
        "белый азиат африканец араб арабы русский "
        "русские украинец украинцы кавказец таджик узбек "
        "мигрант мигранты мигрантов беженец беженцы иностранец "
        "пенсионер пожилой глухой слепой инвалид инвалиды"
    ),
    "uk": (
        "жінка жінки жінок чоловік чоловіки чоловіків дівчина дівчата "
        "хлопець мати батько гей геї лесбійка бісексуал "
        "трансгендер гомосексуал мусульманин мусульмани іслам єврей "
        "євреї християнин християни православний католик "
        "буддист атеїст темношкірий білий азіат африканець араб "
        "українець українці росіянин росіяни мігрант мігранти "
        "біженець біженці іноземець пенсіонер літній глухий сліпий інвалід"
    ),
    "ar": (
        "امرأة المرأة نساء النساء رجل الرجل رجال الرجال فتاة بنت "
        "ولد أم أب مثلي مثلية مسلم المسلم مسلمين المسلمين "
        "إسلام الإسلام يهودي يهود اليهود مسيحي مسيحيين المسيحيين هندوسي "
        "بوذي ملحد أسود أبيض آسيوي أفريقي عربي العرب "
        "كردي مهاجر مهاجرين لاجئ لاجئين اللاجئين أجنبي مسن أصم أعمى معاق"
    ),
    "hi": (
        "महिला महिलाएं औरत औरतें पुरुष आदमी लड़की लड़का माँ पिता "
        "समलैंगिक ट्रांसजेंडर मुस्लिम मुसलमान इस्लाम हिंदू हिन्दू ईसाई सिख "
        "बौद्ध जैन यहूदी नास्तिक दलित "
        "आदिवासी ब्राह्मण अफ्रीकी एशियाई प्रवासी शरणार्थी विदेशी बुजुर्ग बहरा अंधा "
        "विकलांग दिव्यांग"
    ),
    "zh": (
        "女人 女性 女生 男人 男性 男生 女孩 男孩 母亲 父亲 同性恋 "
        "双性恋 跨性别 穆斯林 回族 伊斯兰 犹太人 基督徒 天主教 佛教 黑人 "
        "白人 亚洲人 非洲人 外国人 移民 难民 河南人 东北人 上海人 广东人 老人 残疾人 聋人 盲人"
    ),
    "ja": (
        "女性 女の子 男性 男の子 母親 父親 同性愛者 "
        "ゲイ レズビアン トランスジェンダー イスラム教徒 ムスリム ユダヤ人 キリスト教徒 "
        "仏教徒 黒人 白人 アジア人 アフリカ人 外国人 韓国人 "
        "中国人 移民 難民 高齢者 老人 障害者 聴覚障害 視覚障害"
    ),
}


@cache
def identity_terms() -> WordList:
    """The list, by language."""
    return WordList.of((word, language) for language, words in _TERMS.items() for word in words.split())


LANGUAGES = tuple(_TERMS)
"""Which languages it has words for."""
