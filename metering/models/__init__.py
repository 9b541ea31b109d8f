from metering.models.daily_usage import DailyUsage
from metering.models.entry import LedgerEntry
from metering.models.hold import Hold
from metering.models.ledger_check import LedgerCheck
from metering.models.notice import Notice
from metering.models.rate_card import ConversionRate, RateCard
from metering.models.spending_brake import SpendingBrake
from metering.models.staff_notice import StaffNotice
from metering.models.token_ledger import TokenLedger
from metering.models.usage_event import UsageEvent

__all__ = [
    "ConversionRate",
    "DailyUsage",
    "Hold",
    "LedgerCheck",
    "LedgerEntry",
    "Notice",
    "RateCard",
    "SpendingBrake",
    "StaffNotice",
    "TokenLedger",
    "UsageEvent",
]
