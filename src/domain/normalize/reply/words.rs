//! The words by which mail programs and people mark what is not a reply's own text, in the languages we know. All lower case.
//!
//! Most come from what Gmail, Outlook, Thunderbird, Apple Mail and Yahoo write in each language. A language that is missing
//! here is still read by structure: `>` signs, an address with a date before a colon, dashes above a block of headers, HTML.

/// Which header of an older mail a line repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    From,
    Date,
    To,
    Copy,
    Subject,
    /// Any other: it belongs to a block and proves nothing.
    Other,
}

/// The names of headers. One word may be two headers in two languages; then the first one counts.
pub(super) const HEADERS: &[(Header, &[&str])] = &[
    (Header::From, &[
        "from", "von", "de", "da", "van", "från", "fra", "lähettäjä", "od", "odesílatel", "odosielateľ", "feladó",
        "küldő", "de la", "expeditor", "šalje", "pošiljatelj", "saatja", "kellelt", "remitent", "oddi wrth", "gan",
        "от", "от кого", "від", "kimden", "gönderen", "από", "nuo", "siuntėjas", "no", "nork", "remitente",
        "mittente", "expéditeur", "absender", "afzender", "avsändare", "afsender", "avsender", "remetente",
        "nadawca", "发件人", "寄件者", "寄件人", "發件人", "差出人", "送信者", "보낸 사람", "보낸사람", "từ", "dari", "จาก", "מאת", "من",
    ]),
    (Header::Date, &[
        "sent", "date", "sent at", "date sent", "gesendet", "gesendet am", "datum", "envoyé", "envoyé le", "enviado",
        "enviado el", "enviado em", "enviada", "enviada em", "fecha", "inviato", "inviato il", "data", "data invio",
        "verzonden", "verzonden op", "skickat", "sendt", "dato", "lähetetty", "päivämäärä", "päiväys", "pvm",
        "wysłano", "wysłane", "data wysłania", "odesláno", "odoslané", "dátum", "elküldve", "küldve", "trimis",
        "dată", "poslano", "poslano dana", "poslato", "saadetud", "kuupäev", "enviat", "enviat el", "gestuur",
        "anfonwyd", "dyddiad", "отправлено", "дата", "надіслано", "gönderildi", "gönderme tarihi", "tarih",
        "ημερομηνία", "εστάλη", "išsiųsta", "nosūtīts", "poslané", "发送时间", "发送日期", "日期", "时间", "寄件日期", "傳送時間",
        "寄件時間", "送信日時", "日時", "日付", "送信日", "보낸 날짜", "날짜", "보낸날짜", "đã gửi", "ngày", "dikirim", "tanggal", "วันที่",
        "תאריך", "נשלח", "التاريخ", "تاريخ الإرسال",
    ]),
    (Header::To, &[
        "to", "an", "à", "a", "para", "aan", "till", "til", "vastaanottaja", "do", "komu", "címzett", "către",
        "catre", "za", "prima", "saaja", "kellele", "per a", "per", "at", "i", "кому", "kime", "alıcı", "προς",
        "kam", "iki", "nori", "destinatario", "destinatari", "destinataire", "empfänger", "ontvanger", "mottagare",
        "modtager", "mottaker", "destinatário", "odbiorca", "adresát", "收件人", "收件者", "宛先", "받는 사람", "받는사람", "đến",
        "tới", "kepada", "ถึง", "אל", "إلى",
    ]),
    (Header::Copy, &[
        "cc", "bcc", "kopie", "kopie (cc)", "cópia", "copie", "copie à", "copia", "kopi", "kopia", "dw", "udw",
        "másolatot kap", "másolat", "kópia", "koopia", "còpia", "kopio", "копия", "копія", "bilgi", "κοιν.", "抄送",
        "副本", "密件抄送", "참조", "kópie", "afskrif", "copi",
    ]),
    (Header::Subject, &[
        "subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp", "ämne", "emne", "aihe", "temat",
        "předmět", "predmet", "tárgy", "subiect", "subiectul", "naslov", "teema", "assumpte", "tema", "pwnc",
        "testun", "тема", "konu", "θέμα", "gaia", "主题", "主旨", "主題", "件名", "제목", "chủ đề", "subjek", "เรื่อง", "נושא",
        "הנדון", "الموضوع", "re",
    ]),
    (Header::Other, &[
        "reply-to", "reply to", "importance", "priority", "attachments", "attach", "attachment", "organization",
        "newsgroups", "message-id", "antwort an", "wichtigkeit", "anlagen", "répondre à", "pièces jointes",
        "responder a", "adjuntos", "anexos", "bijlagen", "svar til", "svara till", "liitteet", "załączniki",
        "mellékletek", "atașamente", "prilozi", "manused", "fitxers adjunts", "вложения", "附件", "添付ファイル", "sent by",
        "mailed-by", "security", "sensitivity", "priorität", "resent-from", "categories", "list-id",
    ]),
];

/// Verbs of the line that introduces a quotation.
pub(super) const WROTE: &[&str] = &[
    "wrote", "writes", "schrieb", "schreibt", "geschrieben", "a écrit", "a ecrit", "écrit", "écrivait", "escribió",
    "escribio", "escribía", "ha escrito", "ha scritto", "scrisse", "scrive", "escreveu", "escreve", "schreef",
    "het volgende geschreven", "geschreven", "skrev", "skriver", "følgende", "kirjoitti", "napisał", "napisała",
    "napisał(a)", "napisał/a", "napisano", "pisze", "napsal", "napsala", "napsal(a)", "napísal", "napísal(a)",
    "napísala", "píše", "írta", "írt", "a scris", "scria", "napisao", "napisala", "napisao/la", "napisao je",
    "napisala je", "piše", "kirjutas", "va escriure", "ha escrit", "escrigué", "geskryf", "geskrywe", "skryf",
    "ysgrifennodd", "написал", "написала", "написал(а)", "написав", "написал/а", "пишет", "писал", "писал(а)",
    "пише", "yazdı", "şunları yazdı", "şunu yazdı", "έγραψε", "rašė", "parašė", "rakstīja", "skrifaði", "idatzi du",
    "idatzi zuen", "escribiu", "写道", "寫道", "写到", "写了", "のメール", "書きました", "님이 작성", "작성", "đã viết", "menulis", "เขียน",
    "כתב", "כתבה", "كتب", "quoting", "citando", "citerar", "zitat von", "zitiere", "citeren", "cytowanie", "citat",
    "citát", "cytat", "quotando",
];

/// What such a line begins with, where it does not begin with a name or a date.
pub(super) const ON: &[&str] = &[
    "on ", "am ", "le ", "el ", "il ", "em ", "no dia ", "op ", "den ", "på ", "w dniu ", "dnia ", "dne ", "dňa ",
    "pe ", "în ", "la ", "data ", "u ", "dana ", "kuupäev", "ar ", "a la data ", "missatge de", "a les ",
    "il giorno ", "vào ", "pada ", "στις ", "quoting ", "a ", "e-mail von ", "zitat von ", "citando ", "---- on ",
    "-- on ", "dia ", "de ", "mensaje de ", "message de ", "nachricht von ", "בתאריך ", "في ",
];

/// What stands between dashes above an older mail, or alone above its headers.
pub(super) const OLDER_MAIL: &[&str] = &[
    "original message", "original-message", "original email", "original mail", "reply message", "replied message",
    "previous message", "ursprüngliche nachricht", "ursprungliche nachricht", "originalnachricht",
    "original-nachricht", "originale nachricht", "ursprüngliche mail", "message d'origine", "message d’origine",
    "message original", "message d'origine de", "message initial", "mensaje original", "messaggio originale",
    "messaggio original", "mensagem original", "oorspronkelijk bericht", "oorspronkelijke bericht",
    "origineel bericht", "ursprungligt meddelande", "originalmeddelande", "oprindelig meddelelse",
    "original meddelelse", "oprindelig besked", "opprinnelig melding", "original melding", "opprinnelig e-post",
    "alkuperäinen viesti", "wiadomość oryginalna", "oryginalna wiadomość", "pierwotna wiadomość", "původní zpráva",
    "původní e-mail", "pôvodná správa", "eredeti üzenet", "mesaj original", "mesajul original", "mesaj inițial",
    "izvorna poruka", "originalna poruka", "izvirno sporočilo", "algsõnum", "algne kiri", "algne sõnum", "algkiri",
    "missatge original", "oorspronklike boodskap", "neges wreiddiol", "исходное сообщение", "исходное письмо",
    "первоначальное сообщение", "оригинальное сообщение", "вихідне повідомлення", "orijinal mesaj", "özgün ileti",
    "αρχικό μήνυμα", "originalus laiškas", "sākotnējais ziņojums", "original", "原始邮件", "原邮件", "邮件原件", "原始郵件", "原始信件",
    "回复的原邮件", "元のメッセージ", "元のメール", "オリジナルメッセージ", "원본 메시지", "원본 메일", "tin nhắn gốc", "thư gốc", "pesan asli",
    "הודעה מקורית", "الرسالة الأصلية",
];

/// The same above a mail that was forwarded.
pub(super) const FORWARDED_MAIL: &[&str] = &[
    "forwarded message", "forwarded mail", "forwarded by", "forwarded email", "fwd message", "forwarded letter",
    "weitergeleitete nachricht", "weitergeleitete mail", "weitergeleitet von", "anfang der weitergeleiteten",
    "message transféré", "message transmis", "début du message", "courriel transféré", "mensaje reenviado",
    "inicio del mensaje", "messaggio inoltrato", "inizio messaggio", "mensagem encaminhada",
    "mensagem reencaminhada", "início da mensagem", "doorgestuurd bericht", "doorgezonden bericht",
    "begin doorgestuurd", "vidarebefordrat", "vidarebefordrade", "videresendt", "start på videresendt",
    "välitetty viesti", "edelleenlähetetty", "przekazana wiadomość", "wiadomość przekazana", "przesłana dalej",
    "początek przekazywanej", "přeposlaná zpráva", "přeposlaný e-mail", "preposlaná správa", "továbbított üzenet",
    "továbbított levél", "mesaj redirecționat", "mesaj redirectionat", "mesaj transmis", "proslijeđena poruka",
    "prosljeđena poruka", "edastatud", "missatge reenviat", "inici del missatge", "aangestuurde boodskap",
    "neges wedi", "пересылаемое сообщение", "пересланное сообщение", "перенаправленное сообщение",
    "начало переадресованного", "начало переадресуемого", "переслане повідомлення", "iletilen mesaj",
    "iletilmiş mesaj", "yönlendirilen ileti", "προωθημένο μήνυμα", "persiųstas laiškas", "pārsūtīts ziņojums",
    "begin forwarded message", "转发的邮件", "转发邮件", "轉寄", "转发邮件信息", "被转发邮件", "転送されたメッセージ", "転送メッセージ", "転送メール", "전달된 메시지",
    "전달 메시지", "thư được chuyển tiếp", "pesan terusan", "הודעה שהועברה", "رسالة معاد توجيهها",
];

/// How programs on phones and on the web sign: `{}` is the device or program.
pub(super) const SENT_FROM: &[&str] = &[
    "sent from ", "sent via ", "sent using ", "sent with ", "sent by ", "sent on the ", "get outlook for ",
    "download outlook for", "von meinem ", "gesendet von ", "gesendet mit ", "von mobil", "von unterwegs",
    "diese nachricht wurde von meinem ", "envoyé de ", "envoyé depuis ", "envoyé à partir ", "envoyé via ",
    "obtenez outlook pour ", "télécharger outlook pour ", "enviado desde ", "enviado de ", "enviado do ",
    "enviado da ", "enviado via ", "enviado por ", "enviado a partir ", "obtener outlook para ",
    "obter o outlook para ", "obtenha o outlook para ", "inviato da ", "inviato dal ", "inviato con ",
    "scarica outlook per ", "ottieni outlook per ", "verstuurd vanaf ", "verzonden vanaf ", "verzonden met ",
    "verstuurd met ", "outlook voor ", "skickat från ", "hämta outlook för ", "skaffa outlook för ", "sendt fra ",
    "sendt med ", "hent outlook til ", "hent outlook for ", "få outlook til ", "få outlook for ", "lähetetty ",
    "hanki outlook", "wysłane z ", "wysłano z ", "wysłane przez ", "pobierz outlook", "odesláno z ", "odoslané z ",
    "získejte outlook", "elküldve az ", "elküldve a ", "küldve ", "az én iphone", "trimis de pe ", "trimis din ",
    "trimis de la ", "obțineți outlook", "poslano s ", "poslano sa ", "poslano iz ", "poslano z ", "poslato sa ",
    "saadetud minu ", "saadetud seadmest", "enviat des ", "enviat amb ", "gestuur van ", "gestuur vanaf ",
    "anfonwyd o ", "отправлено с ", "отправлено из ", "отправлено через ", "отправлено от ", "скачать outlook",
    "надіслано з ", "gönderen: ", "iphone'umdan gönderildi", "iphone'dan gönderildi", "στάλθηκε από ",
    "išsiųsta iš ", "nosūtīts no ", "发自我的", "发自 ", "從我的", "从我的", "通过 ", "iphoneから送信", "ipadから送信", "androidから送信",
    "iphone에서 보냄", "내 iphone", "나의 iphone", "được gửi từ ", "đã gửi từ ", "dikirim dari ", "נשלח מ", "أرسلت من ",
    "تم الإرسال من ", "sent from my",
];

/// Devices and programs such a line names; without one, it may be a sentence.
pub(super) const DEVICES: &[&str] = &[
    "iphone", "ipad", "ipod", "imac", "macbook", "android", "blackberry", "samsung", "galaxy", "huawei", "xiaomi",
    "redmi", "nokia", "lumia", "htc", "sony", "xperia", "motorola", "droid", "pixel", "oneplus", "oppo", "nexus",
    "treo", "palm", "windows phone", "windows mobile", "windows 10", "windows 11", "for windows", "für windows",
    "pour windows", "para windows", "per windows", "voor windows", "outlook", "yahoo", "gmail", "proton", "aol",
    "mail.ru", "яндекс", "yandex", "hotmail", "hey", "spark", "superhuman", "front", "mailbird", "thunderbird",
    "k-9", "fairemail", "bluemail", "airmail", "newton", "polymail", "gmx", "web.de", "t-mobile", "verizon", "at&t",
    "sprint", "telekom", "vodafone", "orange", "free mail", "smartphone", "smart phone", "mobile", "phone", "handy",
    "mobil", "telefon", "telefoon", "teléfono", "téléphone", "telefono", "telefone", "celular", "móvil", "cellulare",
    "puhelin", "tablet", "device", "gerät", "wireless", "handheld", "mail for", "mail voor", "mail für", "mail pour",
    "apple mail", "телефон", "手机", "手機", "스마트폰",
];

/// The ends of phrases by which an author says that the answers stand in the older text, further down.
pub(super) const INLINE: &[&str] = &[
    "comments below", "comments inline", "comments in-line", "comments in line", "comments embedded",
    "comments in red", "comments in blue", "comments in green", "comments in bold", "comments in caps",
    "answers below", "answers inline", "answers in red", "answers in blue", "answers in bold", "answers in caps",
    "responses below", "responses inline", "responses in red", "responses in blue", "responses in bold",
    "response inline", "responded below", "responded inline", "replies below", "replies inline", "reply inline",
    "replied inline", "answered below", "answered inline", "commented inline", "notes inline", "see inline",
    "please see inline", "in line below", "inline below", "inline:", "in red below", "in blue below", "below in red",
    "below in blue", "below in bold", "below in caps", "interspersed", "see my comments", "see my answers",
    "see my responses", "see our comments", "see our responses", "antworten im text", "antworten unten",
    "antworten in rot", "kommentare im text", "kommentare unten", "anmerkungen im text", "siehe unten im text",
    "im text unten", "inline beantwortet", "unten im text", "réponses ci-dessous", "réponses dans le texte",
    "réponses en rouge", "mes commentaires ci-dessous", "commentaires en rouge", "dans le corps du",
    "respuestas abajo", "respuestas en rojo", "respuestas más abajo", "comentarios abajo", "comentarios en rojo",
    "entre líneas", "risposte sotto", "risposte in rosso", "commenti sotto", "nel testo sotto", "respostas abaixo",
    "comentários abaixo", "a vermelho", "em vermelho", "antwoorden hieronder", "zie antwoorden",
    "antwoorden in rood", "opmerkingen in rood", "svar nedan", "svaren nedan", "svar i texten", "svar i rött",
    "svar nedenfor", "svar i teksten", "svar med rødt", "kommentarer nedenfor", "kommentarer nedan",
    "vastaukset alla", "vastaukset tekstin", "odpowiedzi poniżej", "odpowiedzi w tekście", "na czerwono",
    "komentarze poniżej", "odpovědi níže", "odpovědi v textu", "válaszok lent", "válaszok alább", "válaszaim alább",
    "pirossal", "răspunsurile mai jos", "cu roșu", "odgovori u tekstu", "odgovori ispod", "crvenom bojom",
    "vastused allpool", "vastused tekstis", "respostes a sota", "respostes més avall", "en vermell",
    "antwoorde hieronder", "atebion isod", "ответы ниже", "ответы в тексте", "ответил ниже", "красным", "见下文红字",
    "见红字", "文中に回答", "本文中に回答", "赤字で", "インラインで", "以下インライン",
];

/// Stems of the words that disclaimers are made of, for each language: a disclaimer has several of one of them.
pub(super) const STEMS: &[&[&str]] = &[
    // English.
    &[
        "confidential", "privileged", "proprietary", "intended recipient", "intended solely", "intended only",
        "intended for", "solely for the", "addressee", "unauthori", "disclos", "dissemination", "prohibited",
        "received this", "in error", "notify", "delete", "destroy", "virus", "liability", "does not constitute",
        "legally", "monitored", "attachments", "strictly", "not responsible", "sender",
    ],
    // German.
    &[
        "vertraulich", "rechtlich geschützt", "empfänger", "adressat", "irrtümlich", "unbefugt", "vernichten",
        "löschen", "informieren sie", "absender", "nicht gestattet", "weitergabe", "kopieren", "bestimmt",
    ],
    // Dutch and Afrikaans.
    &[
        "vertrouwelijk", "bestemd voor", "geadresseerde", "ten onrechte", "openbaarmaking", "verwijderen",
        "afzender", "niet toegestaan", "vertroulik", "bedoel vir", "ontvanger", "verkeerdelik", "sender", "verbode",
        "vernietig",
    ],
    // Scandinavian.
    &[
        "konfidenti", "fortrolig", "tilsigtet", "tiltenkt", "modtager", "avsedd", "mottagare", "mottaker",
        "avsändaren", "avsender", "afsender", "slett", "slet ", "radera", "feilaktig", "ved en feil", "ved en fejl",
        "av misstag", "förbjud", "forbud", "videregiv", "kopier", "beregnet",
    ],
    // Finnish.
    &[
        "luottamuksel", "vastaanottaja", "lähettäjä", "poista", "tarkoitettu", "kielletty", "virheellisesti",
        "erehdyksessä",
    ],
    // Estonian.
    &[
        "konfidentsiaal", "adressaa", "saatja", "kustuta", "mõeldud", "ekslikult", "keelatud", "saaja",
    ],
    // French.
    &[
        "confidentiel", "destinataire", "par erreur", "expéditeur", "divulg", "interdit", "détruire", "supprimer",
        "destiné", "responsabilité", "utilisation", "pièces jointes",
    ],
    // Italian.
    &[
        "riservat", "confidenzial", "destinatari", "per errore", "mittente", "vietat", "cancellar", "distrugger",
        "esclusiv", "divulg", "allegat",
    ],
    // Spanish and Catalan.
    &[
        "confidencial", "privilegiad", "destinatari", "prohibi", "por error", "per error", "remitent", "elimin",
        "divulg", "borr", "dirigid", "adreçat", "esborr", "autoriza",
    ],
    // Portuguese.
    &[
        "confidencia", "privilegiad", "destinatár", "por engano", "por erro", "remetente", "proibid", "apag",
        "elimin", "divulg",
    ],
    // Romanian.
    &[
        "confidențial", "confidential", "destinatar", "din greșeală", "din eroare", "expeditor", "interzis",
        "ștergeți", "stergeti", "divulg",
    ],
    // Polish.
    &[
        "poufn", "adresat", "zabronion", "omyłk", "nadawc", "usun", "przeznaczon", "ujawni",
    ],
    // Czech and Slovak.
    &[
        "důvěrn", "dôvern", "příjem", "adresát", "omylem", "odesílatel", "odosielateľ", "smaž", "vymaž", "zakázán",
        "určen",
    ],
    // Hungarian.
    &[
        "bizalmas", "címzett", "téved", "feladó", "töröl", "tilos", "értesít", "jogosult",
    ],
    // Croatian and its neighbours.
    &[
        "povjerljiv", "poverljiv", "zaupn", "primatelj", "primalac", "prejemnik", "greškom", "pošiljatelj",
        "pošiljaoc", "obriš", "izbriš", "zabranjen", "namijenjen", "namenjen",
    ],
    // Russian and Ukrainian.
    &[
        "конфиденциальн", "получател", "ошибочно", "по ошибке", "отправител", "удалит", "запрещ", "предназначен",
        "конфіденційн", "одержувач", "помилково", "видаліть",
    ],
    // Welsh.
    &[
        "cyfrinach", "derbynn", "gwall", "anfonwr", "dilëwch", "dileu", "bwriad", "hysbys",
    ],
    // Chinese.
    &[
        "机密", "保密", "收件人", "发件人", "删除", "機密", "收件者", "刪除", "误收", "禁止",
    ],
    // Japanese.
    &[
        "機密", "宛先", "受信者", "誤って", "削除", "秘密", "開示", "送信者", "禁",
    ],
];

/// What disclaimers begin with.
pub(super) const DISCLAIMER_BEGINS: &[&str] = &[
    "if you are not the", "if you have received this", "confidential", "privileged", "wenn sie nicht der", "si vous n'êtes pas",
    "si usted no es", "se non siete", "se não for",
    "this e-mail", "this email", "this message", "this communication", "the information", "the contents",
    "information in this", "any views", "please consider", "diese e-mail", "diese nachricht", "diese mail",
    "der inhalt", "die information", "ce message", "ce courriel", "cet e-mail", "les informations", "este mensaje",
    "este correo", "la información", "questo messaggio", "questa e-mail", "le informazioni", "esta mensagem",
    "este e-mail", "as informações", "dit bericht", "deze e-mail", "de informatie", "hierdie e-pos",
    "hierdie boodskap", "detta meddelande", "detta e-post", "denne e-post", "denne e-mail", "denne mail",
    "tämä viesti", "tämä sähköposti", "ta wiadomość", "niniejsza wiadomość", "treść tej", "tento e-mail",
    "tato zpráva", "ez az üzenet", "ez az e-mail", "jelen üzenet", "acest mesaj", "acest e-mail", "ova poruka",
    "ovaj e-mail", "see kiri", "see e-kiri", "käesolev", "aquest missatge", "aquest correu", "mae'r neges",
    "mae'r e-bost", "данное сообщение", "это сообщение", "настоящее сообщение", "本邮件", "此邮件", "このメール", "本メール",
];

/// Titles of disclaimers.
pub(super) const DISCLAIMER_TITLES: &[&str] = &[
    "confidentiality notice", "confidentiality note", "disclaimer", "legal notice", "legal disclaimer",
    "important notice", "vertraulichkeitshinweis", "haftungsausschluss", "rechtlicher hinweis",
    "avis de confidentialité", "aviso legal", "aviso de confidencialidad", "avviso di riservatezza",
    "nota de confidencialidade", "klauzula poufności", "avís legal", "avis legal",
];

/// Words that end a letter.
pub(super) const SIGN_OFFS: &[&str] = &[
    "regards", "best regards", "kind regards", "warm regards", "kindest regards", "warmest regards",
    "with kind regards", "with best regards", "many thanks", "thanks", "thank you", "thanks and regards",
    "thanks & regards", "best", "all the best", "best wishes", "cheers", "sincerely", "yours sincerely",
    "yours faithfully", "sincerely yours", "yours truly", "respectfully", "cordially", "rgds", "br", "kr", "brgds",
    "thx", "take care", "mit freundlichen grüßen", "mit freundlichen grüssen", "freundliche grüße",
    "freundliche grüsse", "viele grüße", "viele grüsse", "beste grüße", "beste grüsse", "liebe grüße",
    "liebe grüsse", "herzliche grüße", "schöne grüße", "mit besten grüßen", "gruß", "gruss", "lg", "mfg", "vg",
    "cordialement", "bien cordialement", "bien à vous", "sincères salutations", "salutations",
    "meilleures salutations", "bonne journée", "merci", "amicalement", "saludos", "un saludo", "saludos cordiales",
    "atentamente", "gracias", "un cordial saludo", "cordialmente", "distinti saluti", "cordiali saluti", "saluti",
    "un saluto", "grazie", "atenciosamente", "cumprimentos", "com os melhores cumprimentos", "obrigado", "obrigada",
    "abraço", "met vriendelijke groet", "met vriendelijke groeten", "vriendelijke groet", "groeten", "groetjes",
    "mvg", "med vänliga hälsningar", "vänliga hälsningar", "hälsningar", "mvh", "med venlig hilsen", "venlig hilsen",
    "hilsen", "med vennlig hilsen", "vennlig hilsen", "vh", "ystävällisin terveisin", "terveisin", "pozdrawiam",
    "z poważaniem", "pozdrowienia", "s pozdravem", "s pozdravom", "üdvözlettel", "tisztelettel", "köszönettel",
    "cu stimă", "cu respect", "toate cele bune", "mulțumesc", "srdačan pozdrav", "lijep pozdrav", "pozdrav",
    "s poštovanjem", "lugupidamisega", "parimate soovidega", "tervitades", "salutacions", "atentament", "gràcies",
    "vriendelike groete", "groete", "cofion", "cofion gorau", "yn gywir", "с уважением", "всего доброго", "спасибо",
    "此致", "敬礼", "祝好", "谢谢", "よろしくお願いいたします", "よろしくお願いします", "敬具",
];

/// What gateways say of mail from outside.
pub(super) const FROM_OUTSIDE: &[&str] = &[
    "you don't often get", "you don’t often get",
    "originated from outside", "originated outside", "came from outside", "sent from outside", "from an external",
    "external sender", "external email", "external e-mail", "external mail", "from outside of the org",
    "from outside the org", "von außerhalb", "externe e-mail", "externen absender", "externe mail",
    "provient de l'extérieur", "provient d'un expéditeur externe", "expéditeur externe", "remitente externo",
    "correo externo", "origen externo", "remetente externo", "mittente esterno", "externe afzender",
    "ekstern afsender", "ekstern avsender", "extern avsändare", "nadawca zewnętrzny", "z zewnątrz organizacji",
];

/// What their warnings begin with.
pub(super) const WARNINGS: &[&str] = &[
    "caution", "warning", "external", "[external", "attention", "achtung", "vorsicht", "warnung", "extern",
    "you don't often get", "you don’t often get", "this message originated", "this email originated",
    "this message came", "this email came", "this e-mail", "attenzione", "atención", "precaución", "atenção",
    "cuidado", "let op", "obs", "advarsel", "varning", "uwaga", "prudence", "mise en garde", "be careful",
    "security warning", "notice",
];

/// What lists add to each mail.
pub(super) const LIST_FOOTERS: &[&str] = &[
    "to unsubscribe from this", "to unsubscribe send", "to unsubscribe, ",
    "you received this message because you are subscribed to", "you are receiving this because you",
    "to stop receiving emails from it", "unsubscribe from this group", " mailing list",
    "view this discussion on the web", "reply to this email directly", "was scrubbed...",
];

/// Pleas not to print a mail.
pub(super) const PRINT_PLEAS: &[&str] = &[
    "before printing this", "environment before printing", "d'imprimer ce", "d’imprimer ce", "antes de imprimir",
    "prima di stampare", "bevor sie diese", "voordat u deze", "innan du skriver ut", "inden du udskriver",
    "før du skriver ut", "zanim wydrukujesz", "enne välja tr", "abans d'imprimir",
];
